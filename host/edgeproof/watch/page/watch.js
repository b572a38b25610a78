"use strict";
(() => {
  const place = (id) => document.getElementById(id);
  const element = (name, text, kind) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const COLOURS = { capture: 0, decode: 1, handover: 2, preprocess: 3, invoke: 4, postprocess: 5 };
  const number = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
  const two = (pair) => (pair ? `${number(pair[0])} / ${number(pair[1])}` : "\u2013");
  const told = (value, unit) => (value === null || value === undefined ? "not told" : `${Math.round(value)} ${unit}`);
  let shown = 0;

  const figures = (state) => {
    const live = state.told && state.told.live;
    const board = state.state || {};
    const rows = [
      ["frames a second", state.frames_per_second.toFixed(1)],
      ["frames", state.frames],
      ["temperature", told(board.temperature_celsius, "\u00b0C")],
      ["clock", told(board.clock_mhz, "MHz")],
    ];
    if (live) rows.push(["age p50 / p95, ms", two(state.age_ms)], ["dropped", state.dropped],
      ["repeated", state.repeated], ["opened anew", state.reconnects]);
    if (state.refused) rows.push(["could not be looked at", state.refused]);
    place("figures").replaceChildren(...rows.map(([name, value]) => {
      const row = document.createElement("div");
      row.append(element("dt", name), element("dd", value));
      return row;
    }));
  };

  const stages = (state) => place("stages").replaceChildren(...Object.entries(state.stages_ms).map(([name, pair]) => {
    const row = document.createElement("tr");
    const head = element("td", name);
    if (name in COLOURS) {
      const mark = document.createElement("i");
      mark.style.background = colour(`--s${COLOURS[name]}`);
      head.prepend(mark);
    }
    row.append(head, element("td", number(pair[0]), "number"), element("td", number(pair[1]), "number"));
    return row;
  }));

  const course = (state) => {
    const canvas = place("course");
    const paper = canvas.getContext("2d");
    const names = Object.keys(COLOURS).filter((name) => name !== "capture");
    const sum = (frame) => names.reduce((all, name) => all + (frame[name] || 0), 0);
    const most = Math.max(1e-9, ...state.course_ms.map(sum));
    const step = canvas.width / Math.max(state.course_ms.length, 60);
    paper.clearRect(0, 0, canvas.width, canvas.height);
    state.course_ms.forEach((frame, index) => {
      let top = canvas.height;
      for (const name of names) {
        const height = (frame[name] || 0) / most * (canvas.height - 4);
        paper.fillStyle = colour(`--s${COLOURS[name]}`);
        paper.fillRect(index * step, top - height, Math.max(step - 0.5, 0.5), height);
        top -= height;
      }
    });
    canvas.setAttribute("aria-label", `latency of the last ${state.course_ms.length} frames without capture, at most ${number(most)} ms`);
  };

  const picture = async (state) => {
    if (!state.picture_number || state.picture_number === shown) return;
    const answer = await fetch(`picture?${state.picture_number}`);
    if (!answer.ok) return;
    const image = await createImageBitmap(await answer.blob());
    shown = state.picture_number;
    const canvas = place("picture");
    if (canvas.width !== image.width || canvas.height !== image.height) {
      canvas.width = image.width;
      canvas.height = image.height;
    }
    const paper = canvas.getContext("2d");
    paper.drawImage(image, 0, 0);
    const size = Math.max(11, Math.round(image.width / 40));
    paper.font = `600 ${size}px system-ui, sans-serif`;
    paper.textBaseline = "top";
    paper.lineWidth = Math.max(2, image.width / 300);
    for (const item of state.picture_detections) {
      const [left, top, width, height] = item.bbox;
      paper.strokeStyle = paper.fillStyle = item.colour;
      paper.strokeRect(left, top, width, height);
      const text = `${item.label} ${item.score.toFixed(2)}`;
      const wide = paper.measureText(text).width + 8;
      const x = Math.max(0, Math.min(left, image.width - wide));
      const y = top >= size + 6 ? top - size - 6 : top;
      paper.fillRect(x, y, wide, size + 6);
      paper.fillStyle = item.text;
      paper.fillText(text, x + 4, y + 3);
    }
    canvas.dataset.number = shown;
    const seen = state.picture_detections.map((item) => `${item.label} ${item.score.toFixed(2)}`).join(", ");
    canvas.setAttribute("aria-label", `the last picture: ${seen || "nothing found"}`);
  };

  const show = async (state) => {
    place("source").textContent = state.source;
    const facts = state.told || {};
    const size = facts.width && facts.height ? `${facts.width} x ${facts.height}` : "";
    place("about").textContent = [`${state.model} on ${state.board}`, facts.pixel_format, size,
      facts.fps ? `${facts.fps} frames a second` : ""].filter(Boolean).join(" \u00b7 ");
    place("status").textContent = state.ended ? "The stream has ended." : "";
    place("found").replaceChildren(...Object.entries(state.found).map(([name, count]) => element("li", `${name} ${count}`)));
    figures(state);
    stages(state);
    course(state);
    place("words").replaceChildren(...state.words.slice().reverse().map((text) => element("li", text)));
    await picture(state);
  };

  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const run = async () => {
    let after = -1;
    for (;;) {
      try {
        const answer = await fetch(`state?after=${after < 0 ? "" : after}`);
        if (!answer.ok) throw new Error(answer.status);
        const state = await answer.json();
        after = state.number;
        await show(state);
        if (state.ended) return;
        await pause(100);
      } catch (error) {
        place("status").textContent = "edgeproof watch has ended, or this machine's page cannot be reached.";
        await pause(2000);
      }
    }
  };
  run();
})();
