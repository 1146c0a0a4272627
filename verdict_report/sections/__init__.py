"""What is measured, a file each. `measure(quick)` returns figures that JSON takes."""
