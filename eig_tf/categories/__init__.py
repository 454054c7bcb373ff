"""Categories of real images: many codes, grouped without labels, and a network that recognizes the groups.

A *code* is a value of the generator's categorical latent, a *category* is a group of codes and is what users
see, and a *class* is a label of the data set. docs/categories.md describes the method.
"""
