"""web_site.py without its mistakes: names that follow from the site's, and a look at start for what is left of sites that are gone."""

from urllib.parse import quote

from kube import MAPS, SITES, Api, asset_of, delete_if_there, note, put

PARTS = f"{MAPS}?labelSelector={quote('role in (page, asset)')}"


def publish(api, site):
    name = site["metadata"]["name"]
    put(api, f"{name}-page", "page", {"html": f"<h1>{site['data']['text']}</h1>"})
    put(api, f"{name}-asset", "asset", {"logo": name})
    if asset_of(site) != f"{name}-asset":
        note(api, name, f"{name}-asset")


def unpublish(api, name):
    delete_if_there(api, f"{name}-page")
    delete_if_there(api, f"{name}-asset")


def main():
    api = Api()
    while True:
        sites = api.ask("GET", SITES)
        names = {site["metadata"]["name"] for site in sites["items"]}
        for site in sites["items"]:
            publish(api, site)
        for part in api.ask("GET", PARTS)["items"]:
            name = part["metadata"]["name"].removesuffix("-page").removesuffix("-asset")
            if name not in names:
                unpublish(api, name)
        for event, site in api.watch(SITES, sites["metadata"]["resourceVersion"]):
            if event == "DELETED":
                unpublish(api, site["metadata"]["name"])
            elif event in ("ADDED", "MODIFIED"):
                publish(api, site)
            else:
                break


print("at work", flush=True)
main()
