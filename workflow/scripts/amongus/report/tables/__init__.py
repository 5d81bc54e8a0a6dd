"""The tables of a study, over its seeds: a module per table, whose `build(files, params, design)` reads its files.

Rows that aggregate are named `all`: over the datasets of a domain; over all datasets (each with the same weight); over
the methods of a level (each question's mean over those methods); and over all methods that every attacked pool can run
(common support: attackers are compared on methods that all of them can run, and defences on methods that all have).
"""
