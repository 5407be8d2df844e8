"""Models as named blocks. Linear maps are torch's own modules, activations modules after them.

So a layer can be found, replaced and looked at before its activation, whatever block it is in: each "….linear" and
"….convolution" puts out what its activation takes in.
"""
