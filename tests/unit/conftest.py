from hypothesis import settings

# Examples differ a hundredfold in length, and the machine may be busy: time is not what is tested here.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
