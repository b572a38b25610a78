"""edgeproof: takes an SSD detector from a TensorFlow model to a proof on an ARM board.

    import edgeproof

    edgeproof.export("model.pb", "bundles", ["int8"], images="photos", labels="labels.txt")
    with edgeproof.Board("pi") as board:
        board.provision()
        board.push("bundles/int8")
        print(board.bench().latency)

Names are imported when they are used, so that this package alone is light.
"""

import importlib
from typing import TYPE_CHECKING, Any

from edgeproof_agent import __version__ as __version__

if TYPE_CHECKING:
    from edgeproof.api import Board as Board
    from edgeproof.api import export as export
    from edgeproof.api import inspect as inspect
    from edgeproof.board.deploy import Deployment as Deployment
    from edgeproof.board.deploy import Rollback as Rollback
    from edgeproof.board.doctor.diagnosis import Diagnosis as Diagnosis
    from edgeproof.board.store.status import BoardStatus as BoardStatus
    from edgeproof.bundle import Bundle as Bundle
    from edgeproof.bundle import open_bundle as open_bundle
    from edgeproof.config.boards import BoardProfile as BoardProfile
    from edgeproof.convert.export_options import ExportOptions as ExportOptions
    from edgeproof.convert.variants import Variant as Variant
    from edgeproof.errors import BoardError as BoardError
    from edgeproof.errors import BundleError as BundleError
    from edgeproof.errors import ConversionError as ConversionError
    from edgeproof.errors import EdgeproofError as EdgeproofError
    from edgeproof.errors import NotAnSsdError as NotAnSsdError
    from edgeproof.errors import ProfileError as ProfileError
    from edgeproof.errors import ReportError as ReportError
    from edgeproof.errors import UsageError as UsageError
    from edgeproof.inspection.inspection import Inspection as Inspection
    from edgeproof.record.reader import read_report as read_report
    from edgeproof.record.run import Report as Report
    from edgeproof.record.run import Run as Run
    from edgeproof.record.verdict.claims import Answer as Answer
    from edgeproof.record.verdict.claims import Claim as Claim
    from edgeproof.record.writer import write_report as write_report
    from edgeproof.wording.progress import Progress as Progress

_PLACES = {
    "Answer": "record.verdict.claims",
    "Board": "api",
    "BoardError": "errors",
    "BoardProfile": "config.boards",
    "BoardStatus": "board.store.status",
    "Bundle": "bundle",
    "BundleError": "errors",
    "Claim": "record.verdict.claims",
    "ConversionError": "errors",
    "Deployment": "board.deploy",
    "Diagnosis": "board.doctor.diagnosis",
    "EdgeproofError": "errors",
    "ExportOptions": "convert.export_options",
    "Inspection": "inspection.inspection",
    "NotAnSsdError": "errors",
    "ProfileError": "errors",
    "Progress": "wording.progress",
    "Report": "record.run",
    "ReportError": "errors",
    "Rollback": "board.deploy",
    "Run": "record.run",
    "UsageError": "errors",
    "Variant": "convert.variants",
    "export": "api",
    "inspect": "api",
    "open_bundle": "bundle",
    "read_report": "record.reader",
    "write_report": "record.writer",
}
"""Public name -> where it is defined."""

__all__ = ["__version__", *_PLACES]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'edgeproof' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"edgeproof.{_PLACES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
