"""The page of exit statuses: the topic that `edgeproof help exit` prints."""

from edgeproof.cli.help import topic_text


def page() -> str:
    return f"# Exit statuses\n\n`edgeproof help exit` prints this:\n\n```text\n{topic_text('exit').rstrip()}\n```\n"
