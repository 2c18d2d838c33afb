// The table and the chart follow the mode of the page: light or dark.
function followMode() {
  const mode = document.body.dataset.mdColorScheme === "slate" ? "dark" : "light";
  document.documentElement.dataset.theme = mode; // which itables looks at, and its style at
  document.documentElement.classList.toggle("dark", mode === "dark");
  const figure = document.getElementById(`chart-${mode}`);
  if (figure) {
    const { data, layout } = JSON.parse(figure.textContent);
    Plotly.react("chart", data, layout, { responsive: true, displaylogo: false });
  }
}
new MutationObserver(followMode).observe(document.body, {
  attributeFilter: ["data-md-color-scheme"],
});
followMode();
