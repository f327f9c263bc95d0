// Reads a share link's token from behind the # of the page's address, where no server sees it.

const form = document.getElementById("share-form");
const token = location.hash.slice(1);
if (token) {
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = token;
  form.submit();
}
