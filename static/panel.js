// The panel saves by itself and is drawn anew with each answer. Whoever types goes on typing: what
// was typed since the form was sent, the focus, the caret and the way it was scrolled are kept.

const panel = document.getElementById("panel");
let sent = new Map();

const fields = () => [...panel.querySelectorAll("input[id]:not([type=hidden]), textarea[id], select[id]")];
const said = (field) => (field.type === "checkbox" ? String(field.checked) : field.value);

// What each field said when the form went out: what differs when the answer comes was typed since.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target === panel) sent = new Map(fields().map((field) => [field.id, said(field)]));
});

// Whoever leaves a field by the tab key comes to a button, and has not pressed it.
document.body.addEventListener("htmx:configRequest", (event) => {
  const { target, triggeringEvent, elt, formData } = event.detail;
  if (target !== panel || triggeringEvent?.type !== "change") return;
  for (const button of elt.querySelectorAll("button[name]")) formData.delete(button.name);
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== panel) return;
  const own = event.detail.requestConfig?.verb === "post";
  const focused = panel.contains(document.activeElement) ? document.activeElement : null;
  const typed = own ? fields().filter((field) => sent.has(field.id) && sent.get(field.id) !== said(field)) : [];
  const held = {
    id: focused?.id,
    caret: focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null,
    typed: new Map(typed.map((field) => [field.id, said(field)])),
    open: own ? [...panel.querySelectorAll("details")].map((part) => part.open) : [],
    top: own ? panel.scrollTop : 0,
  };
  panel.addEventListener("htmx:afterSwap", () => restore(held), { once: true });
});

function restore({ id, caret, typed, open, top }) {
  [...panel.querySelectorAll("details")].forEach((part, place) => { part.open ||= open[place] ?? false; });
  const unsaved = [...typed.keys()].map((name) => document.getElementById(name)).filter(Boolean);
  for (const field of unsaved) {
    const text = typed.get(field.id);
    if (field.type === "checkbox") field.checked = text === "true"; else field.value = text;
  }
  panel.scrollTop = top;
  const focused = id && document.getElementById(id);
  if (focused && panel.contains(focused)) {
    focused.focus({ preventScroll: true });
    if (caret?.[0] != null) try { focused.setSelectionRange(...caret); } catch { /* it has no caret */ }
  }
  // What was typed into a form that is gone is said by the new one: at once, or when it is left.
  for (const field of unsaved) {
    const save = () => field.dispatchEvent(new Event("change", { bubbles: true }));
    if (field === focused) field.addEventListener("blur", save, { once: true }); else { save(); break; }
  }
}
