"""Parts of the pipeline by themselves, called as a program that uses the package's library would call them."""
