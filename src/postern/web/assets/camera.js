// Enrolment by webcam: a shot becomes a file of the form's own file field, so that it is sent like any photo.
"use strict";

(() => {
  const box = document.getElementById("webcam");
  if (!box || !navigator.mediaDevices) return;
  const video = box.querySelector("video");
  const [start, shoot, stop] = ["start", "shoot", "stop"].map((name) => box.querySelector(`[data-${name}]`));
  const say = box.querySelector("[data-say]");
  const field = document.getElementById(box.dataset.field);
  const shots = document.getElementById("shots");
  let stream = null;
  box.hidden = false;

  const running = (on) => {
    video.hidden = shoot.hidden = stop.hidden = !on;
    start.hidden = on;
  };

  const show = () => {
    shots.replaceChildren();
    for (const file of field.files) {
      const holder = document.createElement("div");
      holder.className = "shot";
      const picture = document.createElement("img");
      picture.src = URL.createObjectURL(file);
      picture.alt = file.name;
      picture.onload = () => URL.revokeObjectURL(picture.src);
      holder.append(picture);
      shots.append(holder);
    }
  };

  start.addEventListener("click", async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } }, audio: false });
    } catch (refused) {
      say.textContent = refused.name === "NotAllowedError" ? say.dataset.refused : say.dataset.missing;
      return;
    }
    video.srcObject = stream;
    await video.play();
    say.textContent = say.dataset.ready;
    running(true);
    shoot.focus();
  });

  shoot.addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
      const files = new DataTransfer();
      for (const file of field.files) files.items.add(file);
      files.items.add(new File([blob], `webcam-${field.files.length + 1}.jpg`, { type: "image/jpeg" }));
      field.files = files.files;
      say.textContent = say.dataset.taken.replace("{n}", String(field.files.length));
      show();
    }, "image/jpeg", 0.92);
  });

  const end = () => {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    running(false);
  };
  stop.addEventListener("click", () => { end(); start.focus(); });
  field.addEventListener("change", show);
  window.addEventListener("pagehide", end);
})();
