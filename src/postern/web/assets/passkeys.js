// Passkeys: what the server asks goes to the browser's authenticator, and its answer goes back.
"use strict";

(() => {
  const decode = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
    return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
  };
  const encode = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const credentials = (list) => (list || []).map((one) => ({ ...one, id: decode(one.id) }));

  const create = async (options) => {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: decode(options.challenge),
        user: { ...options.user, id: decode(options.user.id) },
        excludeCredentials: credentials(options.excludeCredentials),
      },
    });
    return {
      id: made.id, rawId: encode(made.rawId), type: made.type,
      response: {
        clientDataJSON: encode(made.response.clientDataJSON),
        attestationObject: encode(made.response.attestationObject),
        transports: made.response.getTransports ? made.response.getTransports() : [],
      },
    };
  };

  const use = async (options) => {
    const found = await navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: decode(options.challenge),
        allowCredentials: credentials(options.allowCredentials),
      },
    });
    return {
      id: found.id, rawId: encode(found.rawId), type: found.type,
      response: {
        clientDataJSON: encode(found.response.clientDataJSON),
        authenticatorData: encode(found.response.authenticatorData),
        signature: encode(found.response.signature),
        userHandle: found.response.userHandle ? encode(found.response.userHandle) : null,
      },
    };
  };

  const ask = async (path, form) => {
    const answer = await fetch(path, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    return said;
  };

  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const say = form.querySelector("[data-say]");
    form.hidden = !window.PublicKeyCredential;
    const beside = document.getElementById(form.dataset.beside || "");
    if (beside) beside.hidden = form.hidden;
    form.addEventListener("submit", async (sending) => {
      sending.preventDefault();
      say.textContent = say.dataset.waiting;
      try {
        const options = await ask(form.dataset.options, form);
        const answer = form.dataset.passkey === "create" ? await create(options) : await use(options);
        form.elements.answer.value = JSON.stringify(answer);
        const done = await ask(form.action, form);
        location.assign(done.next);
      } catch (failed) {
        say.textContent = failed.name === "NotAllowedError" ? say.dataset.refused : failed.message;
        delete form.dataset.sent;
      }
    });
  });
})();
