"use strict";
for (const slider of document.querySelectorAll(".slider input")) {
  const frame = slider.closest("figure").querySelector(".frame");
  const move = () => frame.style.setProperty("--at", slider.value + "%");
  slider.addEventListener("input", move);
  move();
}
const figure = (cell) => {
  const text = cell === undefined ? "" : cell.dataset.value ?? cell.textContent.trim();
  const number = text === "" ? NaN : Number(text);
  return { text, number };
};
const order = (one, other) => {
  if (Number.isNaN(one.number) && Number.isNaN(other.number)) return one.text.localeCompare(other.text);
  if (Number.isNaN(one.number)) return 1;
  return Number.isNaN(other.number) ? -1 : one.number - other.number;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      const body = table.tBodies[0];
      const rows = [...body.rows].filter((row) => !row.classList.contains("belongs"));
      const after = new Map(rows.map((row) => [row, []]));
      let last = null;
      for (const row of body.rows) {
        if (row.classList.contains("belongs")) after.get(last)?.push(row);
        else last = row;
      }
      const keyed = rows.map((row) => ({ row, key: figure(row.cells[column]) }));
      keyed.sort((one, other) => sign * order(one.key, other.key));
      for (const { row } of keyed) body.append(row, ...after.get(row));
    });
  });
}
