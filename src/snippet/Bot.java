// A bot on the official SDK, https://github.com/nandbox/java-sdk: says who it is, and who is on the whitelist of its app.
// Save it as Bot.java; it needs the SDK and what that needs on its class path, and Java 11.

import com.nandbox.bots.api.Nandbox;
import com.nandbox.bots.api.NandboxClient;
import com.nandbox.bots.api.inmessages.WhiteList;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

public class Bot {
    static final String URL = "@URL@";
    static final String TOKEN = "@TOKEN@";
    static final String APP_ID = "@APP@"; // an app of the bot's; null for no list

    public static void main(String[] arguments) throws Exception {
        // The SDK reads this file of the directory where it runs, as soon as it is loaded.
        Path config = Path.of("config.properties");
        if (Files.notExists(config)) {
            Files.writeString(config, "URI=" + URL + "\n");
        }
        // Every version of the SDK has other callbacks; a proxy has them all, and those that are not named here do nothing.
        Object bot = Proxy.newProxyInstance(
                Bot.class.getClassLoader(), new Class<?>[] {Nandbox.Callback.class}, (self, callback, given) -> {
                    switch (callback.getName()) {
                        case "onConnect":
                            onConnect((Nandbox.Api) given[0]);
                            break;
                        case "onWhiteList":
                            onWhiteList((WhiteList) given[0]);
                            break;
                        default:
                            break;
                    }
                    return null;
                });
        NandboxClient client = NandboxClient.get();
        client.setUri(new URI(URL));
        client.connect(TOKEN, (Nandbox.Callback) bot);
    }

    static void onConnect(Nandbox.Api api) {
        System.out.println("connected as bot " + NandboxClient.getBotId());
        if (APP_ID != null) {
            api.getWhiteList(APP_ID, "1");
        }
    }

    static void onWhiteList(WhiteList list) {
        System.out.println("on the whitelist: " + list.toJsonObject());
    }
}
