import pytest

from context.related.counterpart import Counterpart, counterparts

FILES = [
    "app/cart.py",
    "tests/app/test_cart.py",
    "tests/other/test_cart.py",
    "cart/cart.go",
    "cart/cart_test.go",
    "web/list.ts",
    "web/list.spec.ts",
    "web/__tests__/list.test.ts",
    "src/main/java/org/Cart.java",
    "src/test/java/org/CartTest.java",
    "latest.py",
]


class Files:
    def named(self, name: str) -> list[str]:
        return [path for path in FILES if path.rpartition("/")[2] == name]


@pytest.mark.parametrize(
    ("path", "found", "is_tested"),
    [
        ("app/cart.py", ["tests/app/test_cart.py", "tests/other/test_cart.py"], False),
        ("tests/app/test_cart.py", ["app/cart.py"], True),
        ("cart/cart.go", ["cart/cart_test.go"], False),
        ("cart/cart_test.go", ["cart/cart.go"], True),
        ("web/list.ts", ["web/list.spec.ts", "web/__tests__/list.test.ts"], False),
        ("web/__tests__/list.test.ts", ["web/list.ts"], True),
        ("src/test/java/org/CartTest.java", ["src/main/java/org/Cart.java"], True),
        ("src/main/java/org/Cart.java", ["src/test/java/org/CartTest.java"], False),
        ("latest.py", [], False),  # no test of "la"
        ("Makefile", [], False),
    ],
)
def test_the_test_of_a_file_and_the_file_of_a_test(path: str, found: list[str], is_tested: bool) -> None:
    assert counterparts(path, Files()) == [Counterpart(other, is_tested) for other in found]
