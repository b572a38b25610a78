"""A stream under way: every frame goes to a file as it comes, and what all of them amount to into the report."""

import contextlib
import json
import time
from collections import deque
from typing import IO, Any

import numpy as np

from edgeproof.board.agent.loading import LoadedBundle
from edgeproof.board.agent.session import AgentSession
from edgeproof.board.agent.streaming import SourceWord, StreamOptions
from edgeproof.record.detections import STAGES, SourceTold, StreamFrame, StreamResult
from edgeproof.record.measured.measurements import Frame, Stream
from edgeproof.record.pictures import Picture, detections_json
from edgeproof.runs.plan import RunPlan, StreamPlan
from edgeproof.verify.latency import summarize, summarize_stages
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener
from edgeproof_agent.pictures.decoding import PictureError, decode_picture

FRAMES_FILE = "frames.jsonl"
FRAMES_FOLDER = "frames"
_PROBLEMS_KEPT = 50
_ENDLESS = 1_000_000
"""From so many wanted frames on nobody waits for the last one."""
_SHOWN_SECONDS = 5.0
"""Between frames that are shown of a stream whose length is not known."""
_MOST_SHOWN = 48
_LAST_FRAMES = 20_000
"""Of a stream that is not kept, the figures are those of so many."""


class StreamRecord:
    """Collects one stream. `finished` may be called however it ended."""

    def __init__(self, loaded: LoadedBundle, plan: StreamPlan, run: RunPlan, progress: ProgressListener) -> None:
        self._loaded = loaded
        self._plan = plan
        self._run = run
        self._progress = progress
        self._most = None if plan.kept else _LAST_FRAMES
        self._samples: dict[str, deque[int]] = {}
        self._whole: deque[int] = deque(maxlen=self._most)
        self._age: deque[int] = deque(maxlen=self._most)
        self._shown_at = -_SHOWN_SECONDS
        self._shown: list[Frame] = []
        self._problems: list[str] = []
        self._frames = self._with_detections = self._refused = 0
        self._counts = {"dropped": 0, "repeated": 0, "reconnects": 0}
        self._told: SourceTold | None = None
        self._started = self._ended = time.monotonic()
        self._file: IO[str] | None = None
        self._file_name = run.output_name(FRAMES_FILE)

    def run(self, session: AgentSession, source: str) -> None:
        """Streams a source of the board. Ctrl-C ends it and closes the session. Raises what the session does."""
        plan = self._plan
        known = plan.frames < _ENDLESS
        observer = plan.observer
        options = StreamOptions(
            plan.capture,
            plan.seconds,
            plan.overlap,
            jpeg_every=max(plan.frames // plan.shown, 1) if known else 0,
            jpeg_seconds=observer.picture_seconds if observer else (0.0 if known else _SHOWN_SECONDS),
            state_seconds=observer.state_seconds if observer else 0.0,
        )
        if observer is not None:
            manifest = self._loaded.manifest
            observer.running(f"{manifest.name} {manifest.variant}")
        self._progress(Progress(f"opening {plan.source.shown}"))
        self._started = time.monotonic()
        with contextlib.ExitStack() as stack:
            if plan.kept:
                (path,) = self._run.out.claim(self._file_name)
                self._file = stack.enter_context(path.open("w", encoding="utf-8"))
            try:
                ended = session.stream(source, plan.frames, self._on_frame, options, self._on_word)
                self._take_counts(ended)
            except KeyboardInterrupt:
                session.close()
                self._problem("ended by hand")
            finally:
                self._ended = time.monotonic()

    def finished(self) -> Stream | None:
        """What has come; None when nothing has."""
        if not self._frames:
            return None
        samples = {stage: np.array(values, np.int64) for stage, values in self._samples.items()}
        whole = np.array(self._whole, np.int64)
        age = np.array(self._age, np.int64)
        seconds = self._ended - self._started
        return Stream(
            source=self._plan.source.shown,
            frames=self._frames,
            frames_with_detections=self._with_detections,
            fps=self._frames / seconds if seconds > 0 else 0.0,
            stages=summarize_stages(samples),
            shown=tuple(self._shown),
            told=self._told,
            overlap=self._plan.overlap,
            whole=summarize(whole) if len(whole) else None,
            accounted=float(samples["total"].sum() / whole.sum()) if len(whole) and whole.sum() else None,
            age=summarize(age) if len(age) else None,
            refused=self._refused,
            **self._counts,
            problems=tuple(self._problems),
            frames_file=self._file_name if self._plan.kept else None,
        )

    def _on_frame(self, frame: StreamFrame) -> bool:
        if not self._frames:
            self._started -= frame.whole_ns / 1e9 if frame.whole_ns else 0.0
        self._frames += 1
        picture = Picture.of(frame.result, self._loaded.labels, self._loaded.manifest.label_offset, self._run.min_score)
        if picture.error is not None:
            self._refused += 1
            self._problem(f"frame {frame.index}: {picture.error}")
        else:
            self._add_samples(frame)
        self._with_detections += bool(picture.detections)
        self._counts = {"dropped": frame.dropped, "repeated": frame.repeats, "reconnects": frame.reconnects}
        seconds = time.monotonic() - self._started
        if self._file is not None:
            self._write_line(self._file, frame, picture, seconds)
        if frame.jpeg is not None and self._run.draw is not None and self._is_to_be_shown(seconds):
            self._show(frame, frame.jpeg, picture, seconds)
        if self._plan.observer is not None:
            self._plan.observer.frame(frame, picture)
        known = self._plan.frames < _ENDLESS
        total = self._plan.frames if known else None
        text = f"{self._plan.source.shown}: {self._frames / seconds:.1f} frames a second" if seconds > 0 else ""
        if text:
            self._progress(Progress(text, done=self._frames, total=total))
        return self._plan.seconds is None or seconds < self._plan.seconds

    def _add_samples(self, frame: StreamFrame) -> None:
        stages = frame.result.stages_ns
        if not self._samples:
            self._samples = {stage: deque(maxlen=self._most) for stage in STAGES if stage in stages}
        for stage, values in self._samples.items():
            values.append(stages.get(stage, 0))
        if frame.whole_ns is not None:
            self._whole.append(frame.whole_ns)
        if frame.age_ns is not None:
            self._age.append(frame.age_ns)

    def _is_to_be_shown(self, seconds: float) -> bool:
        """Of a stream without a known length some frames are shown, however many pictures come."""
        if self._plan.frames < _ENDLESS:
            return True
        if seconds - self._shown_at < _SHOWN_SECONDS or len(self._shown) == _MOST_SHOWN:
            return False
        self._shown_at = seconds
        return True

    def _write_line(self, file: IO[str], frame: StreamFrame, picture: Picture, seconds: float) -> None:
        line: dict[str, Any] = {"index": frame.index, "seconds": round(seconds, 6)}
        if not picture.name.startswith("frame "):
            line["file_name"] = picture.name
        if frame.media_ns:
            line["media_ns"] = frame.media_ns
        if picture.error is not None:
            line["error"] = picture.error
        else:
            line |= {"width": picture.width, "height": picture.height}
            line |= {"stages_ns": dict(frame.result.stages_ns), "whole_ns": frame.whole_ns}
            if frame.age_ns is not None:
                line["age_ns"] = frame.age_ns
            if frame.repeated:
                line["same_as_before"] = True
            line["detections"] = detections_json(picture.detections)
        if self._told is not None and self._told.live:
            line |= self._counts
        file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        file.flush()

    def _show(self, frame: StreamFrame, jpeg: bytes, picture: Picture, seconds: float) -> None:
        assert self._run.draw is not None
        (path,) = self._run.out.claim(self._run.output_name(f"{FRAMES_FOLDER}/{frame.index:05d}.jpg"))
        try:
            self._run.draw(path, decode_picture(jpeg), picture.detections)
        except PictureError:
            return
        live = self._told is not None and self._told.live
        time_s = seconds if live or frame.media_ns is None else frame.media_ns / 1e9
        self._shown.append(Frame(time_s, path, picture.detections))

    def _on_word(self, word: SourceWord) -> None:
        if isinstance(word, SourceTold):
            self._told = word
            if self._plan.observer is not None:
                self._plan.observer.opened(word)
            return
        self._problem(word)
        if self._plan.observer is not None:
            self._plan.observer.word(word)
        self._progress(Progress(word, ProgressKind.WARNING))

    def _problem(self, words: str) -> None:
        if len(self._problems) < _PROBLEMS_KEPT:
            self._problems.append(words)

    def _take_counts(self, ended: StreamResult) -> None:
        self._counts = {"dropped": ended.dropped, "repeated": ended.repeated, "reconnects": ended.reconnects}
