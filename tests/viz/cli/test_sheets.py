"""`gradpath exercise` and `gradpath check`: sheets out, marked sheets in."""

import pytest

import nn
from viz.cli.commands import main


def filled_in(sheet, wrong=()):
    lines = []
    for line in sheet.blank.splitlines():
        name = line.partition(" = ")[0]
        right = next((b.right for b in sheet.blanks if b.name == name), None)
        lines.append(line if right is None or line.startswith("#") else f"{name} = {right + (name in wrong):g}")
    return "\n".join(lines)


@pytest.mark.slow
def test_a_sheet_is_printed_in_the_form_that_is_asked_for(capsys):
    sheet = nn.exercise(7, "chain", level=2)
    for option, expected in (
        ([], sheet.text()),
        (["--latex"], sheet.latex()),
        (["--markdown", "--key"], sheet.key.markdown()),
        (["--blank"], sheet.blank),
    ):
        assert main(["exercise", "--seed", "7", "--kind", "chain", "--level", "2", *option]) == 0
        assert capsys.readouterr().out == expected


@pytest.mark.slow
def test_the_command_on_a_sheet_makes_it_again(capsys):
    for sheet in (
        nn.exercise(4, "paths", [2, 1, 1]),
        nn.exercise(4, "shared"),
        nn.exercise(4, "shapes", form="columns"),
    ):
        assert main([*sheet.command.split()[1:]]) == 0
        assert capsys.readouterr().out == sheet.text()


@pytest.mark.slow
def test_the_ending_of_a_file_is_its_form(tmp_path, capsys):
    assert main(["exercise", "--kind", "neuron", "-o", str(tmp_path / "sheet.tex")]) == 0
    assert (tmp_path / "sheet.tex").read_text(encoding="utf-8") == nn.exercise(0, "neuron").latex()
    assert main(["exercise", "--kind", "neuron", "--latex", "-o", str(tmp_path / "sheet.md")]) == 2
    assert "expected a file that ends in .tex" in capsys.readouterr().err


def test_a_sheet_that_was_filled_in_is_marked_with_points_and_the_mistake(tmp_path, capsys):
    sheet = nn.exercise(7, "neuron")
    (tmp_path / "a.txt").write_text(filled_in(sheet), encoding="utf-8")
    assert main(["check", str(tmp_path / "a.txt")]) == 0
    assert "5 of 5 points" in capsys.readouterr().out
    by = filled_in(sheet, wrong=["dL/da"]).replace("# Name: ", "# Name: Ada L.")
    (tmp_path / "b.txt").write_text(by, encoding="utf-8")
    assert main(["check", str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]) == 0
    out = capsys.readouterr().out
    assert "wrong" in out
    assert out.splitlines()[-2].split()[-3:] == ["5", "of", "5"]
    points, *_, who = out.splitlines()[-1].split(maxsplit=4)[1:]
    assert int(points) < 5
    assert who == "Ada L."


@pytest.mark.slow
def test_what_is_right_is_said_only_where_it_is_asked_for(tmp_path, capsys):
    sheet = nn.exercise(7, "neuron")
    (tmp_path / "a.txt").write_text(f"# {sheet.command}\ndL/da = 77\n", encoding="utf-8")
    assert main(["check", str(tmp_path / "a.txt")]) == 0
    assert "wrong: you have 77\n" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "a.txt"), "--reveal"]) == 0
    assert "wrong: you have 77, and it is 3\n" in capsys.readouterr().out
    formula = ["--of", "z = w*x; L = squared_error(z, y)", "w=1", "x=2", "y=1"]
    (tmp_path / "mine.txt").write_text("dL/dw = 7\n", encoding="utf-8")
    assert main(["check", str(tmp_path / "mine.txt"), *formula]) == 0
    assert "it is" not in capsys.readouterr().out


@pytest.mark.slow
def test_decimal_commas_in_a_file_are_read_and_a_word_or_a_product_is_no_number(tmp_path, capsys):
    sheet = nn.exercise(3, "update")
    commas = {b.name: str(b.right).replace(".", ",") for b in sheet.blanks}
    spoiled = {"dL/dyhat": "zero", "dL/db[2]_1": "2 * 5", "new b[2]_1": "none"}
    for name, answers, points in (("a.txt", commas, 23), ("b.txt", commas | spoiled, 20)):
        lines = "".join(f"{key} = {x}\n" for key, x in answers.items())
        (tmp_path / name).write_text(f"# {sheet.command}\n{lines}", encoding="utf-8")
        assert main(["check", str(tmp_path / name)]) == 0
        out = capsys.readouterr().out
        assert f"{points} of 23 points" in out
        assert out.count("not a number") == 23 - points


@pytest.mark.slow
def test_a_class_gets_sheets_keys_and_files_in_a_folder(tmp_path, capsys):
    folder = tmp_path / "class"
    assert main(["exercise", "--seed", "3", "--kind", "neuron", "--count", "3", "--latex", "-o", str(folder)]) == 0
    assert sorted(p.name for p in folder.iterdir()) == [
        f"300{i}{end}" for i in (1, 2, 3) for end in ("-key.tex", ".tex", ".txt")
    ]
    assert (folder / "3002.tex").read_text(encoding="utf-8") == nn.worksheets(2, 3, "neuron")[1].latex()
    assert main(["check", *map(str, sorted(folder.glob("*.txt")))]) == 0
    assert capsys.readouterr().out.count("0 of 5\n") == 3


def test_gradients_of_ones_own_formula_are_checked(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("dL/dz = 1\ndL/dw = 3\n", encoding="utf-8")
    formula = ["--of", "z = w*x; L = squared_error(z, y)"]
    assert main(["check", str(tmp_path / "mine.txt"), *formula, "w=1", "x=2", "y=1"]) == 0
    out = capsys.readouterr().out
    assert "∂L/∂w   wrong" in out  # 1 · 2
    assert "1 of 2 points" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["exercise", "--kind", "path"], "did you mean 'paths'"),
        (["exercise", "--layers", "2;2"], "--layers: expected whole numbers such as 2,2,1; got '2;2'"),
        (["exercise", "--count", "3"], "name it with -o FOLDER"),
        (["exercise", "--kind", "neuron", "--blank", "--key"], "has no key"),
        (["exercise", "w=3"], "unrecognized argument: w=3"),
        (["check"], "name a file that was filled in"),
        (["check", "nowhere.txt"], "nowhere.txt"),
    ],
)
def test_input_that_makes_no_sense_is_refused(arguments, said, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""


def test_a_file_that_no_sheet_was_made_for_says_what_is_needed(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("dL/dw = 3\n", encoding="utf-8")
    assert main(["check", str(tmp_path / "mine.txt")]) == 2
    assert "give the formula with --of" in capsys.readouterr().err
    (tmp_path / "mine.txt").write_text("# gradpath exercise --seed x\n", encoding="utf-8")
    assert main(["check", str(tmp_path / "mine.txt")]) == 2
    assert "its first line was changed" in capsys.readouterr().err


@pytest.mark.slow
def test_what_was_filled_in_is_not_replaced_and_nothing_beside_it(tmp_path, capsys):
    folder = tmp_path / "class"
    make = ["exercise", "--kind", "neuron", "--count", "2", "-o", str(folder)]
    assert main(make) == 0
    assert main(make) == 0  # the same again is no loss
    (folder / "1.txt").write_text("mine\n", encoding="utf-8")
    (folder / "2-key.txt").unlink()
    capsys.readouterr()
    assert main(make) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{folder / '1.txt'}: this file is there already" in err
    assert (folder / "1.txt").read_text(encoding="utf-8") == "mine\n"
    assert not (folder / "2-key.txt").exists()
    assert main(["exercise", "--blank", "-o", str(folder / "1.txt")]) == 2
    assert main(["exercise", "-o", str(folder / "1.txt")]) == 2
    assert (folder / "1.txt").read_text(encoding="utf-8") == "mine\n"


@pytest.mark.slow
def test_a_file_that_cannot_be_marked_is_named_and_the_others_are_marked(tmp_path, capsys):
    sheet = nn.exercise(7, "neuron")
    names = [str(tmp_path / f"{c}.txt") for c in "abcd"]
    changed = sheet.blank.replace("--seed 7", "--seed x")
    for name, content in zip(names, (changed, sheet.blank, "hello = 1\n"), strict=False):
        with open(name, "w", encoding="utf-8") as file:
            file.write(content)
    assert main(["check", *names]) == 2
    out, err = capsys.readouterr()
    assert [line.split()[1:] for line in out.splitlines()[-4:]] == [
        ["not", "marked"],
        ["0", "of", "5"],
        ["not", "marked"],
        ["not", "marked"],
    ]
    assert f"{names[0]}: its first line was changed" in err
    assert f"{names[2]}: expected a file made by" in err
    assert f"there is no file {names[3]!r}" in err


def test_what_the_system_refuses_is_said_in_words(tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for arguments, said in (
        (["exercise", "--count", "2", "-o", str(tmp_path / "file")], "is a file"),
        (["exercise", "--count", "2", "-o", str(tmp_path / "no" / "sheets")], "there is no folder"),
        (["check", str(tmp_path)], "is a folder, expected a file"),
        (["paths", f"@{tmp_path / 'no'}"], "there is no file"),
        (["paths", "L = w", "--values", str(tmp_path / "no.csv")], "there is no file"),
    ):
        assert main(arguments) == 2
        err = capsys.readouterr().err
        assert said in err
        assert "Errno" not in err
