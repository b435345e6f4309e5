"""What the tests of several rooms share: libraries, pictures, models, servers, and runs that can be killed."""
