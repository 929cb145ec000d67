// Two conveniences. Every page works without them.
"use strict";

// A one-time link carries its code behind the #, where no server and no log sees it. It goes into the form, and
// out of the address, so that neither history nor a shoulder keeps it.
function takeCodeFromLink() {
  const field = document.querySelector("input[data-from-link]");
  const code = location.hash.slice(1);
  if (!field || !/^kw[a-z]+_[0-9A-Za-z]+$/.test(code)) return;
  field.value = code;
  field.closest(".field").hidden = true;
  history.replaceState(null, "", location.pathname);
}

function addCopyButton(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  const said = document.createElement("span");
  said.className = "said";
  said.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = said.textContent = "Copied";
    } catch {
      said.textContent = "Select the text and copy it";
    }
    setTimeout(() => {
      button.textContent = "Copy";
      said.textContent = "";
    }, 2000);
  });
  const frame = document.createElement("div");
  frame.className = "copyable";
  block.replaceWith(frame);
  frame.append(block, button, said);
}

takeCodeFromLink();
window.addEventListener("hashchange", takeCodeFromLink);
if (navigator.clipboard) document.querySelectorAll("pre").forEach(addCopyButton);
