"""What goes on inside a trained model, measured: states, units, gates, gradients, memory, surprise, what a state knows.

Each module measures one thing on arrays, ids and models, and draws or says nothing; `pictures` draws. May use models,
batches and training; knows no domain, no run and no corpus. `toolkit.api.inspecting` puts them together.
"""
