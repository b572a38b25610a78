"""What each command is typed like: shown at the end of its help, on its page of the manual, and tried by a test."""

from collections.abc import Mapping, Sequence

_EXAMPLES: Mapping[str, Sequence[str]] = {
    "sample coco": ("edgeproof sample coco --out sample",),
    "sample pedestrian": ("edgeproof sample pedestrian --out sample",),
    "sample shapes": ("edgeproof sample shapes --out sample",),
    "export": (
        "edgeproof export frozen_inference_graph.pb --variant float32 --labels labels.txt --out bundles",
        "edgeproof export saved_model/ --variant int8 --images photos/ --labels labels.txt --out bundles",
    ),
    "identify": ("edgeproof identify model.keras --anchors anchors.npy --images photos/ --drawn best.png",),
    "inspect": (
        "edgeproof inspect bundles/int8",
        "edgeproof inspect model.tflite --for edgetpu",
    ),
    "fleet status": ("edgeproof fleet status --want bundles/int8",),
    "fleet spread": ("edgeproof fleet spread tag:pi5 --bundle bundles/int8 --out spread",),
    "board add": ("edgeproof board add pi pi@192.168.1.20 --copy-id",),
    "board list": ("edgeproof board list",),
    "board remove": ("edgeproof board remove pi",),
    "board trust": ("edgeproof board trust pi",),
    "board cameras": ("edgeproof board cameras pi",),
    "board doctor": ("edgeproof board doctor pi",),
    "provision": ("edgeproof provision pi",),
    "push": (
        "edgeproof push pi bundles/int8",
        "edgeproof push kitchens bundles/int8 --canary 1 --serial 10% --gate 'total p95 < 80 ms'",
    ),
    "rollback": ("edgeproof rollback pi",),
    "status": ("edgeproof status pi",),
    "app list": ("edgeproof app list pi",),
    "app remove": ("edgeproof app remove pi --app people",),
    "prune": ("edgeproof prune pi --dry-run",),
    "detect": (
        "edgeproof detect pi photos/ --out found",
        "edgeproof detect pi --source camera:0 --seconds 60 --out found",
    ),
    "watch": ("edgeproof watch pi --source camera:0 --web",),
    "service install": ("edgeproof service install pi --app people --source camera:0",),
    "service start": ("edgeproof service start pi --app people",),
    "service stop": ("edgeproof service stop pi --app people",),
    "service status": ("edgeproof service status pi",),
    "service logs": ("edgeproof service logs pi --app people",),
    "service pull": ("edgeproof service pull pi --app people --out found",),
    "service remove": ("edgeproof service remove pi --app people",),
    "bench": (
        "edgeproof bench pi",
        "edgeproof bench pi bundles/float32 bundles/int8",
    ),
    "accuracy": ("edgeproof accuracy pi --data val.json --bundle bundles/int8",),
    "profile": ("edgeproof profile pi bundles/int8 bundles/float32",),
    "parity": ("edgeproof parity pi photos/ --bundle bundles/int8",),
    "check": (
        "edgeproof check",
        "edgeproof check pi --bundle bundles/int8 --gate 'total p95 < 80 ms'",
    ),
    "history": ("edgeproof history --plot history.png",),
    "compare": ("edgeproof compare main 31 --differs runtime",),
    "recommend": ("edgeproof recommend check/report.json accuracy/report.json --gate 'accuracy map >= 0.40'",),
    "verify": ("edgeproof verify build/check --signer release.pub",),
    "report": ("edgeproof report build/check --html report.html",),
    "worker": ("edgeproof worker tcp://scheduler:8786 --boards tag:lab2",),
    "help": ("edgeproof help gates",),
    "demo": ("edgeproof demo --out build/demo",),
}


def examples_of(command: str) -> Sequence[str]:
    """Lines for a shell, of a command named as it is typed behind `edgeproof`."""
    return _EXAMPLES.get(command, ())
