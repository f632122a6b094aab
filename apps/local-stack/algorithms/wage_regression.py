"""What a year of education and a year of experience are worth: wages fitted by least squares, standard library only.

An algorithm is one file. It is told where things are by its environment, reads the datasets, and writes its results:
  DIDS     JSON list of the datasets' identifiers, in the order they were ordered
  INPUTS   one folder a dataset, named by its identifier; in it the dataset's files: 0, 1, 2, ...
  OUTPUTS  whatever lies here when the algorithm ends is what the consumer gets
What it prints becomes the job's log. It has no network.
"""

import csv
import json
import os

did = json.loads(os.environ["DIDS"])[0]
inputs = os.environ.get("INPUTS", "/data/inputs")
outputs = os.environ.get("OUTPUTS", "/data/outputs")


def solve(matrix, right):
    """Solves matrix * x = right by Gaussian elimination with pivoting."""
    rows = [row[:] + [value] for row, value in zip(matrix, right)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in range(column + 1, size):
            factor = rows[row][column] / rows[column][column]
            rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column])]
    solution = [0.0] * size
    for row in reversed(range(size)):
        known = sum(rows[row][column] * solution[column] for column in range(row + 1, size))
        solution[row] = (rows[row][size] - known) / rows[row][row]
    return solution


with open(os.path.join(inputs, did, "0"), newline="") as file:
    workers = list(csv.DictReader(file))
print(f"read {len(workers)} workers")

# wage = constant + a * education + b * experience: the normal equations X'X beta = X'y.
X = [[1.0, float(worker["education"]), float(worker["experience"])] for worker in workers]
y = [float(worker["wage"]) for worker in workers]
columns = list(zip(*X))
beta = solve(
    [[sum(a * b for a, b in zip(left, right)) for right in columns] for left in columns],
    [sum(a * b for a, b in zip(column, y)) for column in columns],
)

mean = sum(y) / len(y)
residual = sum((wage - sum(b * x for b, x in zip(beta, row))) ** 2 for row, wage in zip(X, y))
total = sum((wage - mean) ** 2 for wage in y)

result = {
    "workers": len(workers),
    "unit": "dollars per hour",
    "constant": round(beta[0], 4),
    "perYearOfEducation": round(beta[1], 4),
    "perYearOfExperience": round(beta[2], 4),
    "rSquared": round(1 - residual / total, 4),
}
with open(os.path.join(outputs, "result.json"), "w") as file:
    json.dump(result, file, indent=2)
    file.write("\n")
print(f"a year of education is worth {result['perYearOfEducation']} dollars per hour")
print(f"a year of experience is worth {result['perYearOfExperience']} dollars per hour")
