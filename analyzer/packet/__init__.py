"""The packet path: where does this flow go, which rule decided, where does it die?"""
