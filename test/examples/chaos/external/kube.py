"""What the web site controllers in Python need of the Kubernetes API, with the standard library alone."""

import base64
import http.client
import json
import os
import ssl
from urllib.parse import quote, urlparse


class Refused(Exception):
    """The API server has answered with an error."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Api:
    """As the kubeconfig says that KUBECONFIG names; it is written in JSON."""

    def __init__(self):
        with open(os.environ["KUBECONFIG"], encoding="utf-8") as file:
            config = json.load(file)
        cluster = config["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.address = urlparse(cluster["server"])
        self.tls = ssl.create_default_context(cadata=authority)
        self.token = config["users"][0]["user"]["token"]
        self.connection = self.connect()

    def connect(self):
        return http.client.HTTPSConnection(self.address.hostname, self.address.port, context=self.tls)

    def send(self, connection, method, path, body=None, media_type="application/json"):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media_type}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        if answer.status >= 400:
            status = json.loads(answer.read())
            raise Refused(answer.status, status.get("message", ""))
        return answer

    def ask(self, method, path, body=None, media_type="application/json"):
        """One request. Whoever loses the connection ends, and is started again."""
        return json.loads(self.send(self.connection, method, path, body, media_type).read())

    def watch(self, path, version):
        """Yields (type, object) of what changes after a version, until the server ends it."""
        connection = self.connect()
        answer = self.send(connection, "GET", f"{path}&watch=true&resourceVersion={quote(version)}")
        for line in answer:
            event = json.loads(line)
            yield event["type"], event["object"]
        connection.close()


MAPS = "/api/v1/namespaces/default/configmaps"
SITES = f"{MAPS}?labelSelector={quote('role=site')}"


def put(api, name, role, data):
    """Creates it, or makes what is there the same."""
    wanted = {"metadata": {"name": name, "labels": {"role": role}}, "data": data}
    try:
        api.ask("POST", MAPS, wanted)
    except Refused as refused:
        if refused.code != 409:
            raise
        api.ask("PATCH", f"{MAPS}/{name}", {"data": data}, "application/merge-patch+json")


def delete_if_there(api, name):
    try:
        api.ask("DELETE", f"{MAPS}/{name}")
    except Refused as refused:
        if refused.code != 404:
            raise


def asset_of(site):
    return site["metadata"].get("annotations", {}).get("web/asset")


def note(api, name, asset):
    body = {"metadata": {"annotations": {"web/asset": asset}}}
    api.ask("PATCH", f"{MAPS}/{name}", body, "application/merge-patch+json")
