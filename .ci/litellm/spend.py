"""Writes down what the proxy reckons that each call costs, for the test to hold our bill against."""

import json
import os

from litellm.integrations.custom_logger import CustomLogger


class Spend(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        with open(os.environ["SPEND_LOG"], "a") as log:
            log.write(json.dumps({"model": kwargs.get("model"), "cost": kwargs.get("response_cost")}) + "\n")


spend = Spend()
