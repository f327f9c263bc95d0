// The links of a run in a dialog on its page; without this they are a page of their own.

const dialog = document.getElementById("share-dialog");

// A preview opens in a tab of its own, as a form does without htmx.
document.addEventListener("htmx:confirm", (event) => {
  const { triggeringEvent, elt } = event.detail;
  if (!triggeringEvent?.submitter?.matches("[data-preview]")) return;
  event.preventDefault();
  const [action, target] = [elt.action, elt.target];
  Object.assign(elt, { action: triggeringEvent.submitter.formAction, target: "_blank" });
  elt.submit();
  Object.assign(elt, { action, target });
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "share-inner") return;
  if (dialog && !dialog.open) dialog.showModal();
  const made = document.getElementById("share-link");
  if (made) { made.focus(); made.select(); }
  else document.querySelector("#share-inner [aria-invalid=true], #share-inner .fault-box")?.scrollIntoView({ block: "nearest" });
});
