"""Drawing as scalar code: loops over plain numbers, compiled by Numba where it is installed, the same without it."""
