// Next's rewrites as a proxy. The limit on silence is 30 seconds unless it is set.
const timeout = process.env.PROXY_TIMEOUT;

export default {
  experimental: timeout ? { proxyTimeout: Number(timeout) } : {},
  rewrites: async () => [{ source: "/plain/:path*", destination: `${process.env.UPSTREAM}/plain/:path*` }],
};
