// The colours of a page: the system's, or those chosen here. It is no module, so that it runs before the first paint.

{
  const KEY = "theme";
  const apply = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  apply(localStorage.getItem(KEY));
  addEventListener("storage", ({ key, newValue }) => key === KEY && apply(newValue));
  document.addEventListener("DOMContentLoaded", () => {
    const choice = document.getElementById("theme");
    if (!choice) return; // Not every page has room for the choice.
    choice.value = localStorage.getItem(KEY) ?? "";
    choice.addEventListener("change", () => {
      if (choice.value) localStorage.setItem(KEY, choice.value);
      else localStorage.removeItem(KEY);
      apply(choice.value);
    });
  });
}
