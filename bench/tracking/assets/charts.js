// What the profiler's page asks of Google's charts, drawn by plotly: without a network, too.
(() => {
  const CELL = "border: 1px solid #ddd; padding: 2px 8px; ";
  const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

  const value = (cell) => (cell && typeof cell === "object" && "v" in cell ? cell.v : cell);
  const shown = (cell) => {
    if (cell && typeof cell === "object" && "f" in cell) return cell.f;
    return typeof value(cell) === "number" ? NUMBERS.format(value(cell)) : value(cell) ?? "";
  };

  class DataTable {
    columns = [];
    rows = [];
    properties = {};
    addColumn(column) {
      this.columns.push(column);
    }
    addRow(row) {
      this.rows.push(row);
    }
    addRows(rows) {
      this.rows.push(...rows);
    }
    setProperty(row, column, name, text) {
      this.properties[[row, column]] = { ...this.properties[[row, column]], [name]: text };
    }
    values(column) {
      return this.rows.map((row) => value(row[column]));
    }
    // Name, values and tooltips of each column but the first; a tooltip's column follows its own.
    series() {
      return this.columns.flatMap((column, at) => {
        if (at === 0 || column.role === "tooltip") return [];
        const told = this.columns[at + 1]?.role === "tooltip" ? this.values(at + 1) : null;
        const hover = told && {
          // Plotly knows <b> and <br>, and no <div>.
          hovertext: told.map((text) => text.replace(/<\/?div[^>]*>/g, "")),
          hoverinfo: "text",
        };
        return [{ name: column.label, y: this.values(at), ...hover }];
      });
    }
  }

  class Chart {
    listeners = {};
    constructor(node) {
      this.node = node;
    }
    async draw(table, options) {
      const layout = {
        title: options.title && { text: options.title, font: { size: 14 } },
        height: options.height,
        margin: { l: 70, r: 20, t: options.title ? 40 : 10, b: 40 },
        colorway: options.colors,
        legend: { orientation: "h", y: -0.2 },
        xaxis: { title: { text: options.hAxis?.title } },
        yaxis: { title: { text: options.vAxis?.title } },
        ...this.layout(options),
      };
      await Plotly.newPlot(this.node, this.traces(table, options), layout, {
        responsive: true,
        displaylogo: false,
        displayModeBar: false,
      });
      this.listeners.ready?.();
    }
    layout() {
      return {};
    }
    clearChart() {
      Plotly.purge(this.node);
    }
    setSelection() {}
    getSelection() {
      return [];
    }
    // The page reads from it which part of the time is shown.
    getChartLayoutInterface() {
      const [low, high] = this.node._fullLayout.xaxis.range;
      return {
        getChartAreaBoundingBox: () => ({ left: 0, width: 1 }),
        getHAxisValue: (at) => low + at * (high - low),
      };
    }
  }

  // The names have their own half: long ones are cut there, and leave the pie its size.
  class PieChart extends Chart {
    traces(table) {
      const pie = { type: "pie", sort: false, direction: "clockwise", hole: 0.4 };
      const labels = { textinfo: "percent", textposition: "inside", domain: { x: [0, 0.45] } };
      return [{ ...pie, ...labels, labels: table.values(0), values: table.values(1) }];
    }
    layout() {
      return {
        margin: { l: 10, r: 10, t: 20, b: 10, autoexpand: false },
        legend: { x: 0.48, font: { size: 10 } },
      };
    }
  }

  class ColumnChart extends Chart {
    traces(table) {
      return table.series().map((one) => ({ type: "bar", x: table.values(0), ...one }));
    }
    layout(options) {
      return { barmode: options.isStacked ? "stack" : "group" };
    }
  }

  class LineChart extends Chart {
    traces(table) {
      return table.series().map((one) => ({ mode: "lines", x: table.values(0), ...one }));
    }
  }

  // Its first two columns are bars, the others lines on an axis of their own.
  class ComboChart extends Chart {
    traces(table) {
      const line = { mode: "lines+markers", yaxis: "y2" };
      return table.series().map((one, at) => {
        return { x: table.values(0), ...(at < 2 ? { type: "bar" } : line), ...one };
      });
    }
    layout() {
      return { yaxis2: { overlaying: "y", side: "right" }, margin: { l: 70, r: 70, t: 40, b: 80 } };
    }
    getSelection() {
      return this.selected;
    }
    async draw(table, options) {
      await super.draw(table, options);
      this.node.on("plotly_click", ({ points: [point] }) => {
        this.selected = [{ row: point.pointIndex, column: point.curveNumber + 1 }];
        this.listeners.select?.();
      });
    }
  }

  // Rows of bars from the fourth column to the fifth, in milliseconds.
  class Timeline extends Chart {
    traces(table) {
      const [level, name, told, from, to] = [0, 1, 2, 3, 4].map((at) => table.values(at));
      const x = to.map((end, at) => end - from[at]);
      const bars = { type: "bar", orientation: "h", base: from, y: level, x, text: name };
      return [{ ...bars, hovertext: told, hoverinfo: "text", showlegend: false }];
    }
    layout() {
      return { barmode: "overlay", yaxis: { type: "category", autorange: "reversed" } };
    }
  }

  class Table extends Chart {
    async draw(table, options) {
      const element = document.createElement("table");
      element.style.cssText = "border-collapse: collapse; width: 100%; font-size: 13px";
      const add = (row, kind, cell, style) => {
        const added = row.appendChild(document.createElement(kind));
        added.style.cssText = CELL + style;
        added[options.allowHtml ? "innerHTML" : "textContent"] = cell;
      };
      const head = element.insertRow();
      table.columns.forEach(({ label }) => add(head, "th", label, "text-align: left"));
      table.rows.forEach((cells, at) => {
        const row = element.insertRow();
        cells.forEach((cell, column) => {
          add(row, "td", shown(cell), table.properties[[at, column]]?.style ?? "");
        });
      });
      this.node.replaceChildren(element);
    }
    clearChart() {
      this.node.replaceChildren();
    }
  }

  window.google = {
    charts: { load: () => Promise.resolve() },
    visualization: {
      DataTable,
      arrayToDataTable: ([names, ...rows]) => {
        const table = new DataTable();
        names.forEach((label) => table.addColumn({ label }));
        table.addRows(rows);
        return table;
      },
      events: {
        addListener: (chart, name, listener) => {
          chart.listeners[name] = listener;
        },
      },
      ColumnChart,
      ComboChart,
      LineChart,
      PieChart,
      SteppedAreaChart: ColumnChart,
      Table,
      Timeline,
    },
  };
})();
