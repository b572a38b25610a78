"""MkDocs asks these: made pages join the written ones, and links that lead out of the site become names of files."""

import posixpath
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from deploy.manual import command_line
from deploy.manual.pages import MADE_PARTS, PROJECT_PAGES, ROOT, made_pages

_LINK = re.compile(r"\[(?P<text>[^\]\[]*)\]\((?P<target>[^()#\s:]+)(?P<anchor>#[^()\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Each command's page goes below the page that lists them."""
    (reference,) = (item["Reference"] for item in config.nav or () if "Reference" in item)
    (listing,) = (item for item in reference if isinstance(item, dict) and command_line.OVERVIEW in item.values())
    listing["Command line"] = [command_line.OVERVIEW, *list(command_line.pages())[1:]]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for place, text in made_pages().items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    for mark, part in MADE_PARTS.items():
        markdown = markdown.replace(mark, part()) if mark in markdown else markdown
    return with_links_of_the_site(markdown, page.file.src_uri)


def with_links_of_the_site(markdown: str, place: str) -> str:
    """A link to a file of the repository leads to its page; where it has none, the file is named.

    What leads nowhere stays as it is, for MkDocs to complain of.
    """
    here = PROJECT_PAGES.get(place, f"docs/{place}")

    def replace(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), link["target"]))
        own = {name: page for page, name in PROJECT_PAGES.items()}.get(target)
        if own is None and target.startswith("docs/"):
            own = target.removeprefix("docs/")
        if own is not None:
            return f"[{link['text']}]({posixpath.relpath(own, posixpath.dirname(place))}{link['anchor'] or ''})"
        if (ROOT / target).exists():
            return f"`{target}`" if link["text"] in (target, f"`{target}`") else f"{link['text']} (`{target}`)"
        return link[0]

    return _LINK.sub(replace, markdown)
