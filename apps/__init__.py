"""The studio: trained runs in the browser, on this machine alone. `studio.main` starts it.

Stands on `toolkit.api` and `toolkit.core`; knows no model. It is also loaded by its place on disk under another
name, so its modules find one another by relative imports alone. gradio is imported when a page is built, not before.
"""
