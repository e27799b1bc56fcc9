"""One idea a file, and functions that fit a screen. The exceptions may only shrink."""

import ast

from tests.tidy.source_tree import ROOT, Module, modules, tracked_files

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 69

# Known exceptions with their size on the day they were let in; the size may fall, never rise. Keep it empty.
MODULE_EXCEPTIONS: dict[str, int] = {}
FUNCTION_EXCEPTIONS: dict[str, int] = {}


def function_sizes(module: Module) -> dict[str, int]:
    """Lines of each function, docstring and decorators apart, by "path:qualified name"."""
    sizes: dict[str, int] = {}

    def visit(node: ast.AST, inside: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{inside}{child.name}"
                first = child.body[0]
                documented = ast.get_docstring(child, clean=False) is not None
                docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
                sizes[f"{module.path}:{name}"] = (child.end_lineno or child.lineno) - child.lineno + 1 - docstring
                visit(child, f"{name}.")
            else:
                visit(child, f"{inside}{child.name}." if isinstance(child, ast.ClassDef) else inside)

    visit(module.tree, "")
    return sizes


def test_modules_are_short() -> None:
    sizes = {module.path: len(module.text.splitlines()) for module in modules()}
    in_c = [path for path in tracked_files() if path.endswith((".c", ".h"))]
    assert in_c, "the native engine was not found"
    sizes |= {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in in_c}
    too_long = {
        path: lines for path, lines in sizes.items() if lines > max(MODULE_LINES_MAX, MODULE_EXCEPTIONS.get(path, 0))
    }
    assert too_long == {}, f"modules over {MODULE_LINES_MAX} lines"


def test_functions_are_short() -> None:
    sizes = {name: lines for module in modules() for name, lines in function_sizes(module).items()}
    assert sizes, "no function was found"
    too_long = {
        name: lines
        for name, lines in sizes.items()
        if lines > max(FUNCTION_LINES_MAX, FUNCTION_EXCEPTIONS.get(name, 0))
    }
    assert too_long == {}, f"functions over {FUNCTION_LINES_MAX} lines"


def test_exceptions_are_still_needed() -> None:
    """An exception whose module or function has become short, or has gone, must go too."""
    module_sizes = {module.path: len(module.text.splitlines()) for module in modules()}
    sizes = {name: lines for module in modules() for name, lines in function_sizes(module).items()}
    stale = [path for path in MODULE_EXCEPTIONS if module_sizes.get(path, 0) <= MODULE_LINES_MAX]
    stale += [name for name in FUNCTION_EXCEPTIONS if sizes.get(name, 0) <= FUNCTION_LINES_MAX]
    assert stale == []


def test_a_long_function_is_measured() -> None:
    source = "class A:\n    def f(self):\n        '''Doc\n        two lines'''\n" + "        x = 1\n" * 80
    module = Module("m.py", "m", source, ast.parse(source))
    assert function_sizes(module) == {"m.py:A.f": 81}
