"""Fitting a plane seen at an angle to points: least squares without a matrix library. Pure."""

from collections.abc import Sequence

Vector = list[float]


def solve(matrix: list[Vector], right: Vector) -> Vector | None:
    """The x of matrix · x = right, by Gauss with pivots; None where there is not one such x."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    n = len(rows)
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(rows[k][i]))
        if abs(rows[pivot][i]) < 1e-12:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(n):
            if k != i and rows[k][i]:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def least_squares(equations: Sequence[tuple[Vector, float]], ridge: Vector) -> Vector | None:
    """The x that comes nearest to all of `a · x = b`; `ridge` pulls each part of x towards nothing."""
    n = len(ridge)
    matrix = [[ridge[i] if i == j else 0.0 for j in range(n)] for i in range(n)]
    right = [0.0] * n
    for left, value in equations:
        for i in range(n):
            if left[i]:
                right[i] += left[i] * value
                for j in range(n):
                    matrix[i][j] += left[i] * left[j]
    return solve(matrix, right)


class Plane:
    """Where a point of the flat model stands in the picture: x = (a u + b v + c) / (g u + h v + 1), y alike.

    The model's points and the picture's are complex numbers.
    """

    def __init__(self, origin: complex, unit: complex, values: Vector) -> None:
        self.origin, self.unit, self.values = origin, unit, values

    @classmethod
    def similar(cls, origin: complex, unit: complex) -> "Plane":
        """Seen from straight above: model point 0 stands at `origin`, and 1 at origin + unit."""
        return cls(origin, unit, [1, 0, 0, 0, 1, 0, 0, 0])

    @classmethod
    def turned(cls, pairs: Sequence[tuple[complex, complex]]) -> "Plane":
        """Seen from straight above, nearest to two or more (model point, picture point) pairs."""
        middle = sum(model for model, _ in pairs) / len(pairs)
        origin = sum(point for _, point in pairs) / len(pairs)
        length = sum(abs(model - middle) ** 2 for model, _ in pairs)
        unit = sum((point - origin) * (model - middle).conjugate() for model, point in pairs) / (length or 1)
        plane = cls.similar(origin, unit or 1)
        plane.middle = middle
        return plane

    @classmethod
    def fitted(
        cls, pairs: Sequence[tuple[complex, complex]], *, unit: complex, perspective: bool = False
    ) -> "Plane | None":
        """The plane nearest to (model point, picture point) pairs; needs three that are not in line.

        unit         one model unit in the picture, roughly: keeps the numbers near 1
        perspective  with it lines may converge; for many well spread points only
        """
        middle = sum(model for model, _ in pairs) / len(pairs)
        origin = sum(point for _, point in pairs) / len(pairs)
        equations: list[tuple[Vector, float]] = []
        for model, point in pairs:
            w = model - middle
            z = (point - origin) / unit
            equations.append(([w.real, w.imag, 1, 0, 0, 0, -w.real * z.real, -w.imag * z.real], z.real))
            equations.append(([0, 0, 0, w.real, w.imag, 1, -w.real * z.imag, -w.imag * z.imag], z.imag))
        if not perspective:
            equations = [([*left[:6], 0.0, 0.0], value) for left, value in equations]
        bend = 1e-6 if perspective else 1.0
        values = least_squares(equations, [1e-9] * 6 + [bend, bend])
        if values is None:
            return None
        plane = cls(origin, unit, values)
        plane.middle = middle
        return plane

    middle: complex = 0

    def point(self, model: complex) -> complex:
        """Where a model point stands in the picture."""
        a, b, c, d, e, f, g, h = self.values
        w = model - self.middle
        depth = g * w.real + h * w.imag + 1
        if depth < 0.1:  # behind the horizon: nowhere in the picture
            return complex(-1e9, -1e9)
        z = complex(a * w.real + b * w.imag + c, d * w.real + e * w.imag + f) / depth
        return self.origin + z * self.unit

    def model(self, point: complex) -> complex:
        """Which model point stands there."""
        a, b, c, d, e, f, g, h = self.values
        z = (point - self.origin) / self.unit
        # two equations linear in (u, v): x (g u + h v + 1) = a u + b v + c, and y alike
        p, q, r = a - g * z.real, b - h * z.real, z.real - c
        s, t, u = d - g * z.imag, e - h * z.imag, z.imag - f
        determinant = p * t - q * s
        if abs(determinant) < 1e-9:
            return complex(1e9, 1e9)
        return self.middle + complex((r * t - q * u) / determinant, (p * u - r * s) / determinant)

    def step(self, model: complex) -> float:
        """How long one model unit is there, in pixels."""
        here = self.point(model)
        return (abs(self.point(model + 1) - here) + abs(self.point(model + 1j) - here)) / 2
