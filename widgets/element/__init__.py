"""The custom elements: their script as it is sent, the style they need, and the price in a sentence."""
