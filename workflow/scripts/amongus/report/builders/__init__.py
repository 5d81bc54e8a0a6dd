"""The tables of a study: a module per table, whose `build(files, params, design)` reads its files and makes it."""
