"""Documentation: pages as tests see them, and the reference pages that are made from the program itself."""
