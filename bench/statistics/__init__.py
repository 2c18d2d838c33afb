"""The mathematics: numbers in, numbers and verdicts out; knows no network and no record."""
