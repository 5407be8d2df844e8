"""Data sets: what ships with libraries and packages, what users have in files, what is generated."""

from optbench_learning.data.bundled import breast_cancer, diabetes, digits, patches, standardised
from optbench_learning.data.splits import Array

__all__ = ["Array", "breast_cancer", "diabetes", "digits", "patches", "standardised"]
