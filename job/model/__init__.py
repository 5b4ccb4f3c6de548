"""The pretrained network, its tokenizer, its head, and the Lightning module that trains them."""
