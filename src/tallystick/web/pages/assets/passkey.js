// Passkeys: the one thing that needs a script. A form says with `data-passkey` what it wants; this asks the browser,
// puts the answer into the form and sends it as any form is sent.

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const named = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

function creation(options) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const user = { ...options.user, id: bytes(options.user.id) };
  const excludeCredentials = named(options.excludeCredentials);
  return { ...options, challenge: bytes(options.challenge), user, excludeCredentials };
}

function request(options) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return { ...options, challenge: bytes(options.challenge), allowCredentials: named(options.allowCredentials) };
}

function json(credential) {
  if (credential.toJSON) return credential.toJSON();
  const { id, type, rawId, response, authenticatorAttachment } = credential;
  const told = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    told.attestationObject = text(response.attestationObject);
    told.transports = response.getTransports ? response.getTransports() : [];
  } else {
    told.authenticatorData = text(response.authenticatorData);
    told.signature = text(response.signature);
    if (response.userHandle) told.userHandle = text(response.userHandle);
  }
  return {
    id, type, rawId: text(rawId), response: told, authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function begin(form) {
  const answer = await fetch(form.dataset.begin, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": form.elements.csrf.value },
    body: JSON.stringify({ stay: document.getElementById("stay")?.checked === true }),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.message || "It did not work just now. Try again in a moment.");
  form.elements.pending.value = told.pending;
  return told.passkey_options;
}

async function use(form) {
  const kind = form.dataset.passkey;
  const options = form.dataset.begin ? await begin(form) : JSON.parse(form.dataset.options);
  const credential = kind === "create"
    ? await navigator.credentials.create({ publicKey: creation(options) })
    : await navigator.credentials.get({ publicKey: request(options) });
  form.elements.passkey.value = JSON.stringify(json(credential));
}

const words = {
  NotAllowedError: "No passkey was used: it was cancelled, or it took too long. Try again.",
  InvalidStateError: "This device has a passkey for this account already.",
  SecurityError: "Passkeys cannot be used at this address.",
  TypeError: "It did not work just now. Try again in a moment.",
};

function ready(form) {
  const button = form.querySelector("button");
  const alert = form.querySelector("[role=alert]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    alert.hidden = true;
    try {
      await use(form);
      form.submit();
    } catch (error) {
      alert.textContent = words[error.name] || error.message;
      alert.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
  form.hidden = false;
}

if (window.PublicKeyCredential) document.querySelectorAll("form[data-passkey]").forEach(ready);
