// Light, dark, or as the system has it; remembered here.

const KEPT = "tenantry.theme";
const NEXT = { system: "light", light: "dark", dark: "system" };

export function beginTheme(button, name) {
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
    name.textContent = theme;
  };
  button.addEventListener("click", () => {
    const theme = NEXT[document.documentElement.dataset.theme];
    localStorage.setItem(KEPT, theme);
    show(theme);
  });
  const kept = localStorage.getItem(KEPT);
  show(kept in NEXT ? kept : "system");
}
