"""The console: pages that people read on the admin port. Rendered here, with little script."""
