"""The same job as the original system's Lambda did it: Python, boto3, the password in clear in a variable."""

import json
import os

import boto3

ec2 = boto3.client("ec2")


def say(status, message):
    return {"statusCode": status, "body": json.dumps({"message": message})}


def handler(event, context):
    parameters = event.get("queryStringParameters") or {}
    if "pass" not in parameters:
        return say(400, 'URL must contain a "pass" query string!')
    if parameters["pass"] != os.environ["TEAM_PASS"]:
        return say(403, "Wrong password.")
    found = ec2.describe_instances(InstanceIds=[os.environ["SESTA_INSTANCE"]])
    instance = found["Reservations"][0]["Instances"][0]
    if instance["State"]["Name"] == "running":
        address = f"https://{instance['PublicDnsName']}:8443/lab"
        return say(
            200, f"Jupyter Lab already running at {address}. Remember: it will be inactive again when idle for 40 min."
        )
    if instance["State"]["Name"] == "stopped":
        ec2.start_instances(InstanceIds=[instance["InstanceId"]])
    return say(200, "Jupyter Lab will start in 1-3 min. Wait and reload this request to get the access URL.")
