import * as fs from "node:fs";
import * as path from "node:path";

import { writeImages } from "../archive.ts";
import { run } from "../run.ts";
import { imageRoot } from "../versions.ts";
import { installedRoot } from "./chroot.ts";
import { keyTag, searchPath } from "./images.ts";
import type { Piece } from "./piece.ts";
import { pack, readLayer } from "./root-files.ts";

export const nginxImage = (key: string) => `${imageRoot}/nginx:${keyTag(key)}`;
export const httpdImage = (key: string) => `${imageRoot}/httpd:${keyTag(key)}`;

/** The servers and what they link to beyond the base system. */
const webPackages = [
  ...["apache2-bin", "libapr1", "libaprutil1", "libexpat1"],
  ...["nginx", "nginx-common"],
];

// Both listen, write and log where upstream's images do, so that one stack runs on either.
const nginxConfig = `worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 512; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  client_body_temp_path /var/cache/nginx/client_temp;
  proxy_temp_path /var/cache/nginx/proxy_temp;
  fastcgi_temp_path /var/cache/nginx/fastcgi_temp;
  uwsgi_temp_path /var/cache/nginx/uwsgi_temp;
  scgi_temp_path /var/cache/nginx/scgi_temp;
  server {
    listen 80;
    location / {
      root /usr/share/nginx/html;
      index index.html;
    }
  }
}
`;

const httpdConfig = `ServerRoot /usr/lib/apache2
DefaultRuntimeDir /usr/local/apache2/logs
PidFile /usr/local/apache2/logs/httpd.pid
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule dir_module modules/mod_dir.so
Listen 80
ServerName localhost
StartServers 1
ErrorLog /proc/self/fd/2
LogLevel warn
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
CustomLog /proc/self/fd/1 common
DocumentRoot /usr/local/apache2/htdocs
DirectoryIndex index.html
<Directory />
  Require all denied
</Directory>
<Directory /usr/local/apache2/htdocs>
  Require all granted
  ForceType text/html
</Directory>
`;

const files: Readonly<Record<string, string>> = {
  "etc/nginx/nginx.conf": nginxConfig,
  "usr/local/apache2/conf/httpd.conf": httpdConfig,
  "usr/local/apache2/htdocs/index.html": "<html><body><h1>It works!</h1></body></html>\n",
};
/** Folders that the servers write to. */
const folders = ["var/cache/nginx", "usr/local/apache2/logs"];

const rootWeb: Piece = {
  name: "root-web",
  files: ["pieces/web.ts", "pieces/chroot.ts"],
  inputs: { webPackages },
  needs: ["root-base"],
  go: false,
  weight: { cores: 0.5, memory: 500, seconds: 20 },
  async build(context) {
    // fetched there and unpacked apart: the layer is to hold the servers alone
    const root = await installedRoot(context, webPackages, "--download-only");
    const archives = path.join(root, "var/cache/apt/archives");
    const web = path.join(context.scratch, "web");
    for (const name of webPackages) {
      const archive = fs.readdirSync(archives).find((file) => file.startsWith(`${name}_`));
      if (!archive) throw new Error(`apt-get did not fetch ${name}`);
      await run("dpkg-deb", ["-x", path.join(archives, archive), web], { log: context.log });
    }
    // a folder lib would take the place of the base system's link to usr/lib
    fs.cpSync(path.join(web, "lib"), path.join(web, "usr/lib"), {
      recursive: true,
      verbatimSymlinks: true,
    });
    for (const part of fs.readdirSync(web))
      if (part !== "usr" && part !== "etc") fs.rmSync(path.join(web, part), { recursive: true });
    for (const part of ["lib/systemd", "share/doc", "share/man", "share/lintian"].map(
      (p) => `usr/${p}`,
    ))
      fs.rmSync(path.join(web, part), { recursive: true, force: true });
    for (const folder of folders) fs.mkdirSync(path.join(web, folder), { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(web, file)), { recursive: true });
      fs.writeFileSync(path.join(web, file), text);
    }
    await pack(context, web);
  },
};

const webImages: Piece = {
  name: "images-web",
  files: ["pieces/web.ts", "pieces/images.ts", "archive.ts"],
  inputs: { imageRoot },
  needs: ["root-base", "root-web"],
  go: false,
  weight: { cores: 0.5, memory: 200, seconds: 2 },
  build(context) {
    const layers = [readLayer(context.piece("root-base")), readLayer(context.piece("root-web"))];
    const image = (name: string, entrypoint: string[]) => ({
      name,
      layers,
      config: { Entrypoint: entrypoint, Env: [searchPath], ExposedPorts: { "80/tcp": {} } },
    });
    const nginx = ["/usr/sbin/nginx", "-e", "stderr", "-g", "daemon off;"];
    const httpd = ["/usr/sbin/apache2", "-D", "FOREGROUND"];
    writeImages(
      [
        image(nginxImage(context.key), nginx),
        image(httpdImage(context.key), [...httpd, "-f", "/usr/local/apache2/conf/httpd.conf"]),
      ],
      context.dir,
    );
    return Promise.resolve();
  },
};

export const webPieces: readonly Piece[] = [rootWeb, webImages];
