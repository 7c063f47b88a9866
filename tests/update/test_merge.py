"""No line is lost: what a merge does with the changes of two sides, in real repositories."""

import os
from pathlib import Path

import pytest

from chatkit_scaffold.errors import ToolError
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.trees import Trees
from tests.command import git, make_template
from tests.update.three_sides import (
    LABEL,
    Content,
    Result,
    make_repository,
    merge_files,
    merge_in,
    write_files,
)

pytestmark = pytest.mark.quick

ANSWERS = ".copier-answers.yml"

Files = dict[str, Content]


def text(word: str, **replaced: str) -> str:
    """Return twenty lines that hold *word*, with line 3 replaced by what `l3` says."""
    return "".join(f"{replaced.get(f'l{number}', f'{word} {number}')}\n" for number in range(1, 21))


def numbered(content: str, line: str) -> int:
    """Return the number of a line, from 1."""
    return content.splitlines().index(line) + 1


BASE: Files = {
    ANSWERS: "_commit: 0.2.0\n",
    "both_changed.py": text("both"),
    "changed_by_template.py": text("template"),
    "changed_by_user.py": text("user"),
    "deleted_by_both.py": text("gone"),
    "deleted_by_template.py": text("old"),
    "deleted_by_user.py": text("unwanted"),
    "deleted_by_user_unchanged.py": text("unneeded"),
    "deleted_but_edited.py": text("edited"),
    "deleted_but_renamed.py": text("kept"),
    "renamed_by_template.py": text("before"),
    "renamed_by_user.py": text("mine"),
    "renamed_by_both.py": text("twice"),
    "renamed_alike.py": text("agreed"),
    "renamed_beyond_recognition.py": text("vague"),
    "renamed_and_deleted.py": text("dropped"),
    "touching.py": text("touch"),
    "same.py": text("same"),
    "script.sh": "#!/bin/sh\necho\n",
    "unchanged.py": text("constant"),
}
OURS: Files = {
    ANSWERS: "_commit: 0.2.0 # edited\n",
    "both_changed.py": text("both", l3="ours"),
    "changed_by_template.py": text("template"),
    "changed_by_user.py": text("user", l5="ours"),
    "deleted_by_template.py": text("old"),
    "deleted_but_edited.py": text("edited", l9="ours"),
    "user_name.py": text("kept"),
    "renamed_by_template.py": text("before", l3="own function"),
    "own_name.py": text("mine"),
    "user_choice.py": text("twice"),
    "agreed.py": text("agreed"),
    "new_name.py": "".join(f"rewritten {number}\n" for number in range(9)),
    "touching.py": text("touch", l10="ours"),
    "same.py": text("same", l7="fix"),
    "script.sh": "#!/bin/sh\necho\n",
    "unchanged.py": text("constant"),
    "added_by_user.py": "user's own\n",
    "added_by_both.py": "one\nours\n",
    "added_alike.py": "alike\n",
}
THEIRS: Files = {
    ANSWERS: "_commit: 0.3.0\n",
    "both_changed.py": text("both", l17="theirs"),
    "changed_by_template.py": text("template", l4="theirs"),
    "changed_by_user.py": text("user"),
    "deleted_by_user.py": text("unwanted", l4="theirs"),
    "deleted_by_user_unchanged.py": text("unneeded"),
    "template_name.py": text("before", l18="fix"),
    "renamed_by_user.py": text("mine", l18="fix"),
    "template_choice.py": text("twice"),
    "agreed.py": text("agreed", l2="theirs"),
    "renamed_beyond_recognition.py": text("vague", l4="fix"),
    "moved_away.py": text("dropped"),
    "touching.py": text("touch", l10="theirs"),
    "same.py": text("same", l7="fix"),
    "script.sh": "#!/bin/sh\necho\n",
    "unchanged.py": text("constant"),
    "added_by_both.py": "one\ntheirs\n",
    "added_alike.py": "alike\n",
    "added_by_template.py": "new\n",
}


@pytest.fixture(scope="module", params=["", "services/the bot"], ids=["top", "monorepo"])
def everything(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A merge with every kind of change, at the top of a repository and in a folder of one."""
    return merge_files(tmp_path_factory.mktemp("m"), BASE, OURS, THEIRS, prefix=request.param)


def test_changes_of_both_sides_are_in_the_result(everything: Result) -> None:
    """Also where one side renamed the file, and each under the name that a side gave it."""
    files = everything.files

    assert files["both_changed.py"] == text("both", l3="ours", l17="theirs")
    assert files["template_name.py"] == text("before", l3="own function", l18="fix")
    assert files["own_name.py"] == text("mine", l18="fix")
    assert files["agreed.py"] == text("agreed", l2="theirs")
    assert files[ANSWERS] == "_commit: 0.3.0\n"
    assert {"renamed_by_template.py", "renamed_by_user.py"}.isdisjoint(files)


def test_every_file_is_in_one_list(everything: Result) -> None:
    """The lists are sorted, and leave out what nobody changed and what is in conflict."""
    assert everything.lists() == {
        "added": ["added_by_template.py"],
        "updated": [ANSWERS, "changed_by_template.py"],
        "merged": ["agreed.py", "both_changed.py", "own_name.py", "template_name.py"],
        "kept": [
            "added_alike.py",
            "added_by_user.py",
            "changed_by_user.py",
            "new_name.py",
            "same.py",
        ],
        "removed": ["deleted_by_template.py"],
        "deleted_kept": [
            "deleted_by_user.py",
            "moved_away.py",
            "renamed_beyond_recognition.py",
        ],
    }


def test_renames_are_listed_with_who_made_them(everything: Result) -> None:
    """A rename that both made alike needs no word."""
    assert everything.renamed() == [
        ("deleted_but_renamed.py", "user_name.py", "you"),
        ("renamed_and_deleted.py", "moved_away.py", "template"),
        ("renamed_by_both.py", "template_choice.py", "template"),
        ("renamed_by_both.py", "user_choice.py", "you"),
        ("renamed_by_template.py", "template_name.py", "template"),
        ("renamed_by_user.py", "own_name.py", "you"),
    ]


def test_conflicts_have_a_line_and_a_reason(everything: Result) -> None:
    """Deleted by the template and changed by the user is one; the user's text stays."""
    differently = (
        "both renamed renamed_by_both.py differently: you to user_choice.py, "
        "the template to template_choice.py"
    )
    renamed = "the template deleted this file, which you renamed from deleted_but_renamed.py"
    assert everything.conflicts == [
        "added_by_both.py:2: both added this file",
        "deleted_but_edited.py: the template deleted this file, which you changed",
        f"template_choice.py: {differently}",
        "touching.py:10: both changed these lines",
        f"user_choice.py: {differently}",
        f"user_name.py: {renamed}",
    ]
    assert everything.files["deleted_but_edited.py"] == OURS["deleted_but_edited.py"]
    assert everything.files["user_name.py"] == text("kept")
    assert everything.files["user_choice.py"] == text("twice")
    assert everything.files["template_choice.py"] == text("twice")


def test_markers_name_the_sides(everything: Result) -> None:
    """The labels are words; no object id is anywhere in the result."""
    assert everything.files["touching.py"].splitlines()[8:15] == [
        "touch 9",
        "<<<<<<< yours",
        "ours",
        "=======",
        "theirs",
        f">>>>>>> {LABEL}",
        "touch 11",
    ]


def test_the_unmerged_entries_hold_each_side(everything: Result) -> None:
    """They are what a mergetool needs, with paths below the project's folder."""
    stages = {(stage.path, stage.stage) for stage in everything.merged.stages}

    assert stages == {
        ("added_by_both.py", 2),
        ("added_by_both.py", 3),
        ("deleted_but_edited.py", 1),
        ("deleted_but_edited.py", 2),
        ("renamed_by_both.py", 1),
        ("template_choice.py", 3),
        ("touching.py", 1),
        ("touching.py", 2),
        ("touching.py", 3),
        ("user_choice.py", 2),
        ("user_name.py", 1),
        ("user_name.py", 2),
    }


def test_nothing_changed(tmp_path: Path) -> None:
    """A merge of equal renders is the project, with the record as the command writes it."""
    result = merge_files(tmp_path, BASE, OURS, BASE)

    assert result.files == {**OURS, ANSWERS: BASE[ANSWERS]}
    assert result.conflicts == []
    assert set(result.lists()) == {"kept", "updated"}


def test_declared_renames_are_certain(tmp_path: Path) -> None:
    """A renamed and rewritten file, a split one, one renamed by the user as well, a deleted one."""
    base: Files = {"a.py": text("a"), "split.py": text("s"), "c.py": text("c"), "x.py": "x\n"}
    base |= {"gone.py": text("g"), "one.py": text("1"), "two.py": text("2")}
    ours: Files = {
        "a.py": text("a", l2="ours"),
        "split.py": text("s", l15="ours"),
        "own.py": text("c"),
        "x.py": "x\n",
        "one.py": text("1", l9="ours"),
        "two.py": text("2"),
    }
    rewritten = "".join(f"other {number}\n" for number in range(30))
    theirs: Files = {
        "new/a.py": text("a", l2="a 2") + rewritten,
        "first.py": text("s")[: text("s").index("s 11")],
        "second.py": text("s")[text("s").index("s 11") :],
        "d.py": text("c", l19="theirs"),
        "x.py": "x\n",
        "nowhere.py": text("g", l4="theirs"),
        "joined.py": text("1") + "".join(f"more {number}\n" for number in range(5)),
    }
    moved = {
        "a.py": "new/a.py",
        "split.py": ["first.py", "second.py"],
        "c.py": "d.py",
        "missing.py": "x.py",
        "x.py": "never.py",
        "gone.py": "nowhere.py",
        "one.py": "joined.py",
        "two.py": "joined.py",
    }

    result = merge_files(tmp_path, base, ours, theirs, moved=moved)

    assert result.files["new/a.py"] == text("a", l2="ours") + rewritten
    assert result.files["own.py"] == text("c", l19="theirs")
    # The user edited what is in the second part now: never lost, so a conflict.
    assert "ours" in result.files["first.py"].splitlines()
    assert result.conflicts == ["first.py:11: both changed these lines"]
    assert result.renamed() == [
        ("a.py", "new/a.py", "template"),
        ("c.py", "own.py", "you"),
        ("gone.py", "nowhere.py", "template"),
        ("one.py", "joined.py", "template"),
        ("split.py", "first.py", "template"),
    ]
    assert result.lists() == {
        "added": ["second.py"],
        "merged": ["joined.py", "new/a.py", "own.py"],
        "removed": ["two.py"],
        "deleted_kept": ["nowhere.py"],
    }


def test_declared_rename_to_a_path_of_the_user(tmp_path: Path) -> None:
    """The user's own file there is neither overwritten nor moved."""
    base: Files = {"a.py": text("a")}
    ours: Files = {"a.py": text("a", l2="edit"), "b.py": "user's own\n"}
    theirs: Files = {"b.py": text("a", l9="fix")}

    result = merge_files(tmp_path, base, ours, theirs, moved={"a.py": "b.py"})

    lines = "".join(result.files.values()).splitlines()
    assert {"edit", "user's own", "fix"} <= set(lines)
    assert [conflict.path for conflict in result.merged.conflicts] == ["b.py"]


def test_a_new_file_beside_a_renamed_folder_stays(tmp_path: Path) -> None:
    """The template renamed all files of a folder; the user's own one is not moved after them."""
    base: Files = {"app/a.py": text("a"), "app/b.py": text("b")}
    ours: Files = {**base, "app/own.py": "own\n"}
    theirs: Files = {"src/a.py": text("a"), "src/b.py": text("b")}

    result = merge_files(tmp_path, base, ours, theirs)

    assert result.lists()["kept"] == ["app/own.py"]
    assert result.conflicts == []


@pytest.mark.parametrize(
    ("config", "base_shown"),
    [
        ({"merge.conflictStyle": "diff3", "diff.renames": "false", "core.abbrev": "9"}, True),
        ({"merge.conflictStyle": "zdiff3", "merge.renames": "false"}, True),
        (
            {
                "core.autocrlf": "true",
                "core.safecrlf": "true",
                "core.fileMode": "false",
                "core.splitIndex": "true",
                "core.sparseCheckout": "true",
                "merge.renameLimit": "1",
                "commit.gpgSign": "true",
                "gpg.program": "/bin/false",
            },
            False,
        ),
    ],
    ids=["diff3", "zdiff3", "others"],
)
def test_settings_of_the_user(tmp_path: Path, config: dict[str, str], base_shown: bool) -> None:
    """The style of conflicts is the user's choice; nothing else changes the result."""
    names = ["touching.py", "renamed_by_template.py", "renamed_by_user.py"]
    base: Files = {name: BASE[name] for name in names}
    ours: Files = {
        name: OURS[name] for name in ("touching.py", "renamed_by_template.py", "own_name.py")
    }
    theirs: Files = {
        name: THEIRS[name] for name in ("touching.py", "template_name.py", "renamed_by_user.py")
    }

    result = merge_files(tmp_path, base, ours, theirs, config=config)

    assert result.files["template_name.py"] == text("before", l3="own function", l18="fix")
    assert result.files["own_name.py"] == text("mine", l18="fix")
    assert ("||||||| base\ntouch 10\n" in result.files["touching.py"]) is base_shown
    assert result.conflicts == ["touching.py:10: both changed these lines"]


def test_a_conflict_in_a_renamed_file_has_its_old_path_in_the_marker(tmp_path: Path) -> None:
    """The path that git adds to a label stays, and markers of the user's own are no conflict."""
    own = "<<<<<<< HEAD\n" + "=" * 7 + "\n>>>>>>> branch"
    base: Files = {"a.py": text("a")}
    ours: Files = {"a.py": text("a", l3="ours", l12=own)}
    theirs: Files = {"b.py": text("a", l3="theirs")}

    result = merge_files(tmp_path, base, ours, theirs)

    assert "<<<<<<< yours:a.py\nours\n=======\ntheirs\n" in result.files["b.py"]
    assert f">>>>>>> {LABEL}:b.py\n" in result.files["b.py"]
    assert result.conflicts == ["b.py:3: both changed these lines"]


def test_odd_files(tmp_path: Path) -> None:
    """Odd names, links, modes, bytes and line ends come out as they went in."""
    names = ["two words.py", "-f.py", "new\nline.py", "übung.py", "tab\t.py", "cr\r.py", '"q".py']
    base: Files = {name: text(name.encode().hex()) for name in names}
    ours: Files = {name: text(name.encode().hex(), l2="ours") for name in names}
    theirs: Files = {name: text(name.encode().hex(), l19="theirs") for name in names}
    picture = bytes(range(256)) * 9
    base |= {"picture": picture, "logo": picture, "link": Path("a"), "mixed": b"a\r\nb\nc\xff\n"}
    ours |= {
        "picture": picture + b"o",
        "logo": picture,
        "link": Path("b"),
        "mixed": b"a\r\nb\nc\xff\n",
    }
    theirs |= {"picture": picture + b"t", "logo": picture + b"t", "link": Path("a")}
    theirs |= {"mixed": b"a\r\nb\nc\xff\nd\r"}

    result = merge_files(tmp_path, base, ours, theirs)

    for name in names:
        assert result.files[name] == text(name.encode().hex(), l2="ours", l19="theirs")
    assert result.conflicts == ["picture: both changed this file, which cannot be merged by lines"]
    assert result.files["picture"].encode("utf-8", "surrogateescape") == picture + b"o"
    assert result.files["logo"].encode("utf-8", "surrogateescape") == picture + b"t"
    assert result.files["mixed"].encode("utf-8", "surrogateescape") == b"a\r\nb\nc\xff\nd\r"
    assert result.modes["link"] == "120000"
    assert result.files["link"] == "b"


def test_modes(tmp_path: Path) -> None:
    """A file becomes executable by one side while the other edits it."""
    repository = make_repository(tmp_path / "ours", {"run.sh": text("run", l2="ours"), "b": "b\n"})
    base = write_files(tmp_path / "base", {"run.sh": text("run"), "b": "b\n"})
    theirs = write_files(tmp_path / "theirs", {"run.sh": text("run"), "b": "b\n"})
    (theirs / "run.sh").chmod(0o755)

    result = merge_in(repository, base, theirs)

    assert result.modes == {"run.sh": "100755", "b": "100644"}
    assert result.files["run.sh"] == text("run", l2="ours")
    assert result.lists() == {"merged": ["run.sh"]}


def test_a_file_where_the_other_side_has_a_folder_or_a_link(tmp_path: Path) -> None:
    """Both stay, under names that say whose they are."""
    base: Files = {"keep.py": "1\n", "swap.py": text("s"), "became_link": text("b")}
    ours: Files = {
        **base,
        "tools": "user's own file\n",
        "link": Path("keep.py"),
        "dir/own.py": "o\n",
    }
    ours |= {"became_link": Path("keep.py"), "swap.py/own.py": "own\n"}
    ours["tools~yours"] = "another file of the user\n"
    del ours["swap.py"]
    theirs: Files = {**base, "tools/web.py": "theirs\n", "link": "theirs\n", "dir": "file\n"}
    theirs |= {"swap.py": text("s", l3="theirs"), "became_link": text("b", l3="theirs")}

    result = merge_files(tmp_path, base, ours, theirs)

    version = LABEL.replace(" ", "-")
    assert result.files["tools~yours"] == "another file of the user\n"
    assert result.files["tools~yours~"] == "user's own file\n"
    assert result.files["tools/web.py"] == "theirs\n"
    assert result.files["dir/own.py"] == "o\n"
    assert result.files[f"dir~{version}"] == "file\n"
    assert {result.files["link"], result.files[f"link~{version}"]} == {"keep.py", "theirs\n"}
    reason = "one side has a file here, the other a folder or a link"
    assert result.files["swap.py/own.py"] == "own\n"
    assert result.lists() == {
        "added": ["tools/web.py"],
        "kept": ["dir/own.py", "swap.py/own.py", "tools~yours"],
        "deleted_kept": ["swap.py"],
    }
    paths = [
        "became_link",
        f"became_link~{version}",
        f"dir~{version}",
        "link",
        f"link~{version}",
        "tools~yours~",
    ]
    assert result.conflicts == [f"{path}: {reason}" for path in paths]


def test_the_users_line_ends(tmp_path: Path) -> None:
    """Files that the user converted to CRLF get the template's changes as CRLF, others as LF."""
    base: Files = {"a.py": text("a"), "b.py": text("b"), "c.py": text("c")}
    ours: Files = {
        "a.py": text("a", l2="ours").replace("\n", "\r\n"),
        "b.py": text("b"),
        "c.py": text("c", l3="one line\r"),
    }
    theirs: Files = {
        "a.py": text("a", l18="theirs"),
        "b.py": text("b", l18="theirs"),
        "c.py": text("c", l18="theirs"),
    }

    result = merge_files(tmp_path, base, ours, theirs)

    assert result.files["a.py"] == text("a", l2="ours", l18="theirs").replace("\n", "\r\n")
    assert result.files["b.py"] == text("b", l18="theirs")
    assert result.files["c.py"] == text("c", l3="one line\r", l18="theirs")
    assert result.conflicts == []


def test_a_project_converted_to_crlf_and_renamed(tmp_path: Path) -> None:
    """Where most files have CRLF, renamed and new files have it, too."""
    base: Files = {name: text(name) for name in ("a.py", "b.py", "c.py")}
    ours: Files = {
        name: text(word).replace("\n", "\r\n")
        for name, word in (("a.py", "a.py"), ("b.py", "b.py"), ("own.py", "c.py"))
    }
    theirs: Files = {
        "a.py": text("a.py"),
        "b.py": text("b.py", l1="fix"),
        "c.py": text("c.py", l9="fix"),
        "new.py": "new\n",
    }

    result = merge_files(tmp_path, base, ours, theirs)

    assert result.files["own.py"] == text("c.py", l9="fix").replace("\n", "\r\n")
    assert result.files["new.py"] == "new\r\n"
    assert result.conflicts == []


def test_attributes_of_the_repository(tmp_path: Path) -> None:
    """They apply in the project's folder: its own, and those of the folders above."""
    root = write_files(
        tmp_path / "ours",
        {
            ".gitattributes": "bot/CHANGES.md merge=union\nbot/win.txt text eol=crlf\n",
            "bot/.gitattributes": "marked.py conflict-marker-size=10\n*.lock -merge\n",
            "bot/win.txt": "a\r\nb\r\n",
            "bot/CHANGES.md": "# Changes\nours\n",
            "bot/marked.py": "ours\n",
            "bot/uv.lock": "ours\n",
        },
    )
    base: Files = {"CHANGES.md": "# Changes\n", "marked.py": "1\n", "uv.lock": "1\n"}
    theirs: Files = {"CHANGES.md": "# Changes\ntheirs\n", "marked.py": "2\n", "uv.lock": "2\n"}

    result = merge_in(
        make_repository(root, {}, prefix="bot"),
        write_files(tmp_path / "base", {**base, "win.txt": "a\r\nb\r\n"}),
        write_files(tmp_path / "theirs", {**theirs, "win.txt": "a\nb\nc\n"}),
    )

    assert result.files["CHANGES.md"] == "# Changes\nours\ntheirs\n"
    assert result.files["win.txt"] == "a\nb\nc\n"
    assert result.files["marked.py"].startswith("<<<<<<<<<< yours\n")
    assert result.conflicts == [
        "marked.py:1: both changed these lines",
        "uv.lock: both changed this file, which cannot be merged by lines",
    ]
    assert result.lists()["updated"] == ["win.txt"]


def test_what_the_user_ignores_is_not_left_out(tmp_path: Path) -> None:
    """A file of the template that git would ignore is still the template's."""
    base: Files = {".gitignore": "*.log\n", "kept.log": "1\n"}
    theirs: Files = {".gitignore": "*.log\n", "kept.log": "2\n", "new.log": "3\n"}

    result = merge_files(tmp_path, base, base, theirs)

    assert result.lists() == {"added": ["new.log"], "updated": ["kept.log"]}


def test_sha256_repository(tmp_path: Path) -> None:
    """Ids may be longer than usual."""
    options = ("--object-format=sha256",)
    result = merge_files(tmp_path, BASE, OURS, THEIRS, options=options)

    assert "<<<<<<< yours\nours\n" in result.files["touching.py"]
    assert len(result.merged.tree) == 64


def test_shallow_clone(tmp_path: Path) -> None:
    """The history of the user's branch is not needed."""
    source = make_template(tmp_path / "source", {"a.py": text("a")})
    (source / "a.py").write_text(text("a", l2="ours"))
    git(source, "commit", "--quiet", "--all", "--message=second")
    git(tmp_path, "clone", "--quiet", "--depth=1", source.as_uri(), "clone")

    result = merge_in(
        Repository(tmp_path / "clone", ""),
        write_files(tmp_path / "base", {"a.py": text("a")}),
        write_files(tmp_path / "theirs", {"a.py": text("a", l18="theirs")}),
    )

    assert result.files["a.py"] == text("a", l2="ours", l18="theirs")


def test_linked_work_tree_and_submodule(tmp_path: Path) -> None:
    """Neither stands in the way, and the submodule stays."""
    source = make_repository(tmp_path / "source", {"bot/a.py": text("a", l2="ours")}, prefix="")
    commit = git(source.root, "rev-parse", "HEAD")
    git(source.root, "update-index", "--add", "--cacheinfo", f"160000,{commit},bot/vendor")
    git(source.root, "commit", "--quiet", "--message=submodule")
    git(source.root, "worktree", "add", "--quiet", str(tmp_path / "linked"))

    result = merge_in(
        Repository(tmp_path / "linked", "bot"),
        write_files(tmp_path / "base", {"a.py": text("a")}),
        write_files(tmp_path / "theirs", {"a.py": text("a", l18="theirs")}),
    )

    assert result.files["a.py"] == text("a", l2="ours", l18="theirs")
    assert result.modes["vendor"] == "160000"


def test_the_repository_is_only_given_objects(tmp_path: Path) -> None:
    """No file outside of git's objects changes, and with a quarantine, no file at all."""
    repository = make_repository(tmp_path / "ours", OURS)
    base = write_files(tmp_path / "base", BASE)
    theirs = write_files(tmp_path / "theirs", THEIRS)
    before = _snapshot(repository.root)

    with repository.quarantined() as apart:
        dry = merge_in(apart, base, theirs)
    assert _snapshot(repository.root) == before
    real = merge_in(repository, base, theirs)

    assert dry == real
    after = _snapshot(repository.root)
    new = {path for path in after if after[path] != before.get(path)}
    assert before.keys() <= after.keys()
    assert {path.parts[:2] for path in new} == {(".git", "objects")}


def _snapshot(root: Path) -> dict[Path, bytes]:
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("version", ["2.34.1", "2.37.0 (Apple Git-136)"])
def test_old_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """One sentence says which git is needed; the program on the PATH says its version."""
    repository = make_repository(tmp_path / "ours", {"a": "1\n"})
    _install_git(tmp_path / "bin", version, monkeypatch)

    with pytest.raises(ToolError, match=r"^git 2\.3[47]\.\d is too old .* git 2\.38 or newer$"):
        _merge_nothing(repository, tmp_path)


@pytest.mark.parametrize("version", ["2.38.0.windows.1", "3.0.0-rc1"])
def test_odd_names_of_new_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """The version may have more parts."""
    repository = make_repository(tmp_path / "ours", {"a": "1\n"})
    _install_git(tmp_path / "bin", version, monkeypatch)

    assert _merge_nothing(repository, tmp_path).files == {"a": "1\n"}


def _install_git(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a git on the PATH that works, and says that it has another version."""
    real = git(folder.parent, "--exec-path")
    program = write_files(folder, {"git": ""}) / "git"
    program.write_text(
        "#!/bin/sh\n"
        f'for last; do :; done; [ "$last" = --version ] && echo "git version {version}" && exit\n'
        f'exec "{real}/git" "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def _merge_nothing(repository: Repository, folder: Path) -> Result:
    side = write_files(folder / "side", {"a": "1\n"})
    return merge_in(repository, side, side)


def test_reading_what_does_not_exist(tmp_path: Path) -> None:
    """Contents of a missing object are left out, and of others are complete."""
    repository = make_repository(tmp_path / "ours", {"a": "1\r\n", "b": b"\0\xff\n\n"})
    trees = Trees(repository)
    first, second = (entry.oid for entry in trees.read("HEAD").values())

    assert trees.contents([first, "0" * 40, second]) == {first: b"1\r\n", second: b"\0\xff\n\n"}
