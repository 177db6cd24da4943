// Shows /openapi.json by Swagger UI, which asks nobody but this service.

const dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;
const follow = () => root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
follow();
dark.addEventListener("change", follow);

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  validatorUrl: null, // otherwise it sends the description to a validator on the internet
  queryConfigEnabled: false, // a link may not make this page show, and call, another service
  deepLinking: true,
  filter: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  requestSnippetsEnabled: true,
});
