"""The comparisons that benchmarks make, apart from the measuring."""
