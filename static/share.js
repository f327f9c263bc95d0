// Reads a share link's token from behind the # of the page's address, where no server sees it.

const form = document.getElementById("share-form");

// A link that is opened where this page is open already only changes what is behind the #.
function bring() {
  const token = location.hash.slice(1);
  if (!token) return;
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = token;
  form.submit();
}

addEventListener("hashchange", bring);
bring();
