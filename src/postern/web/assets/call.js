// A call between a kiosk and an attendant: sound only, straight from browser to browser (WebRTC).
// The hub passes on what the two need to find each other. The kiosk offers, the attendant answers.
"use strict";

window.posternCall = ({ path, ice, voice, state, talk }) => {
  const kiosk = path === "/kiosk/call";
  const me = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  let socket = null, peer = null, other = "", early = [], over = false, wait = 500;

  const send = (word) => {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ me, ...word }));
  };

  const drop = () => {
    if (peer) peer.close();
    peer = null;
    other = "";
    early = [];
  };

  const connect = (to) => {
    drop();
    other = to;
    peer = new RTCPeerConnection({ iceServers: ice });
    peer.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate && candidate.candidate)
        send({ kind: "candidate", to, candidate: candidate.candidate, mid: candidate.sdpMid || "" });
    });
    peer.addEventListener("track", ({ track, streams }) => {
      voice.srcObject = streams[0] || new MediaStream([track]);
      voice.play().catch(() => {});
    });
    const mine = peer;
    mine.addEventListener("connectionstatechange", () => {
      if (mine !== peer) return;
      if (mine.connectionState === "connected") state("connected");
      if (mine.connectionState === "failed") { drop(); state("lost"); }
    });
    // Who has no microphone still hears.
    if (talk()) talk().getTracks().forEach((track) => peer.addTrack(track, talk()));
    else if (kiosk) peer.addTransceiver("audio", { direction: "recvonly" });
    return peer;
  };

  const described = async () => {
    for (const one of early.splice(0)) await peer.addIceCandidate(one);
  };

  const answers = {
    listening: () => send({ kind: kiosk ? "waiting" : "here" }),
    waiting: () => { if (!kiosk && !peer) send({ kind: "here" }); },
    here: async ({ me: who }) => {
      if (!kiosk) return;
      if (peer && other !== who) return send({ kind: "busy", to: who });
      state("connecting");
      connect(who);
      await peer.setLocalDescription();
      send({ kind: "offer", to: who, sdp: peer.localDescription.sdp });
    },
    offer: async ({ me: who, sdp }) => {
      if (kiosk) return;
      state("connecting");
      connect(who);
      await peer.setRemoteDescription({ type: "offer", sdp });
      await peer.setLocalDescription();
      send({ kind: "answer", to: who, sdp: peer.localDescription.sdp });
      await described();
    },
    answer: async ({ sdp }) => {
      if (!peer) return;
      await peer.setRemoteDescription({ type: "answer", sdp });
      await described();
    },
    candidate: async ({ candidate, mid }) => {
      if (!peer) return;
      const one = { candidate, sdpMid: mid || "0" };
      if (peer.remoteDescription) await peer.addIceCandidate(one);
      else early.push(one);
    },
    busy: () => { over = true; drop(); state("busy"); },
    done: () => { if (kiosk) { drop(); state("ended"); } },
    bye: ({ me: who }) => { if (who === other) { drop(); state("ended"); } },
  };

  // One message after the other, since an offer takes a moment and its candidates follow at once.
  let before = Promise.resolve();
  const hear = ({ data }) => {
    const word = JSON.parse(data);
    if (word.to && word.to !== me) return;
    before = before.then(() => answers[word.kind] && answers[word.kind](word)).catch(() => {});
  };

  const join = () => {
    socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    socket.addEventListener("open", () => (wait = 500));
    socket.addEventListener("message", hear);
    socket.addEventListener("close", ({ code }) => {
      if (over) return;
      if (code === 4401 || code === 1008) { over = true; drop(); state("gone"); return; }
      setTimeout(() => over || join(), wait);
      wait = Math.min(wait * 2, 8000);
    });
  };

  const leave = () => {
    if (over) return;
    if (other) send({ kind: "bye", to: other });
    over = true;
    drop();
    socket.close();
  };
  window.addEventListener("pagehide", leave);
  join();
  return { leave };
};
