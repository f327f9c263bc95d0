// Reads an invitation's token from behind the # of the page's address, where no server sees it.

const form = document.getElementById("join-form");
const token = location.hash.slice(1);
if (form && token) {
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = token;
  form.submit();
}
