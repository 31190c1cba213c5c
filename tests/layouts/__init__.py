"""Renderers: the artifacts of one bundle written as each collector would have written them."""
